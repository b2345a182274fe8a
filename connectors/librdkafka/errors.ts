/** librdkafka's errors as catalogue faults. Codes: rdkafka.h `rd_kafka_resp_err_t`. */
import { type Fault, fault, isFault, messageOf } from '../../contracts/errors.ts';

export interface KafkaError {
  code: number;
  message: string;
  isRetriable: boolean;
  isFatal: boolean;
  isTxnRequiresAbort: boolean;
}

export const CODE = {
  queueFull: -184,
  fenced: -144,
  partitionEof: -191,
  timedOut: -185,
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  messageTooLarge: 10,
  topicAlreadyExists: 36,
  invalidProducerEpoch: 47,
  producerFenced: 90,
  unknownTopicId: 100,
} as const;

const FENCED: readonly number[] = [CODE.fenced, CODE.invalidProducerEpoch, CODE.producerFenced];
/** Authorisation and authentication: topic, group, cluster, transactional id; SASL; local authentication failure. */
const DENIED: readonly number[] = [29, 30, 31, 53, 58, -169];

/** The fields of whatever the binding hands to a callback or throws. */
export function readKafkaError(error: unknown): KafkaError {
  const field = (name: string): unknown =>
    typeof error === 'object' && error !== null && name in error ? (error as Record<string, unknown>)[name] : undefined;
  const [code, message] = [field('code'), field('message')];
  return {
    code: typeof code === 'number' ? code : 0,
    // listOffsets hands out plain objects, which messageOf prints as [object Object].
    message: typeof message === 'string' ? message : messageOf(error),
    isRetriable: field('isRetriable') === true,
    isFatal: field('isFatal') === true,
    isTxnRequiresAbort: field('isTxnRequiresAbort') === true,
  };
}

export function kafkaFault(error: unknown, doing: string): Fault {
  if (isFault(error)) return error;
  const { code, message } = readKafkaError(error);
  const text = `${doing}: ${message} (Kafka error ${code})`;
  if (FENCED.includes(code)) return fault('Fenced', `${text}; a newer attempt holds this lane`, error);
  // A commit whose records were denied fails for the transaction's state; its text alone has the reason.
  if (DENIED.includes(code) || /authorization failed/i.test(message))
    return fault('AccessDenied', `${text}; check the credentials and the ACLs that docs/operations.md lists`, error);
  if (code === CODE.messageTooLarge) {
    return fault(
      'TopicUnsuited',
      `${text}; a record is larger than the topic takes (its max.message.bytes) or than Headrace sends (10 MiB)`,
      error,
    );
  }
  return fault('KafkaUnavailable', text, error);
}
