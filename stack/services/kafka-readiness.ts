/**
 * When a broker is ready for a user: not when it accepts connections, but when every partition of the internal
 * topics has its coordinator loaded. A fresh broker makes those topics on first use and answers with retriable
 * coordinator errors for a moment; they are provoked and waited out here, so that nobody sees them later.
 * Asked with kafkajs: pure JavaScript, so that the stack does not depend on the native client's build.
 */
import { Kafka, logLevel } from 'kafkajs';

const CLIENT = {
  clientId: 'headrace-stack',
  logLevel: logLevel.NOTHING,
  connectionTimeout: 1_500,
  requestTimeout: 5_000,
  retry: { retries: 0 },
};

const RETRY_ONCE = { retries: 1, initialRetryTime: 100 };

/** @throws while the broker does not answer */
export async function brokerAnswers(broker: string): Promise<void> {
  const admin = new Kafka({ ...CLIENT, brokers: [broker] }).admin();
  try {
    await admin.connect();
    await admin.describeCluster();
  } finally {
    await admin.disconnect();
  }
}

/**
 * @param partitions of the offsets topic and of the transaction state topic
 * @throws while any group or transaction coordinator does not answer
 */
export async function coordinatorsAnswer(broker: string, partitions: number): Promise<void> {
  const client = new Kafka({ ...CLIENT, brokers: [broker] });
  const names = oneNameAPartition('headrace-ready', partitions);
  const admin = client.admin();
  try {
    await admin.connect();
    // Without it kafkajs knows no broker yet to ask for a coordinator.
    await admin.describeCluster();
    for (const groupId of names) await admin.fetchOffsets({ groupId });
  } finally {
    await admin.disconnect();
  }
  for (const transactionalId of names) {
    // kafkajs insists on a retry here; one after 0.1 s is no more than the caller's own.
    const producer = client.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1, retry: RETRY_ONCE });
    try {
      await producer.connect();
      await (await producer.transaction()).abort();
    } finally {
      await producer.disconnect();
    }
  }
}

/** Names of groups (or transactional ids) of which each lives on another partition: Kafka hashes them as Java does. */
function oneNameAPartition(prefix: string, partitions: number): string[] {
  const found = new Map<number, string>();
  for (let suffix = 0; found.size < partitions; suffix++) {
    const name = `${prefix}-${suffix}`;
    const partition = Math.abs(javaHash(name)) % partitions;
    if (!found.has(partition)) found.set(partition, name);
  }
  return [...found.values()];
}

/** java.lang.String.hashCode */
function javaHash(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}
