/**
 * Bad records go to the dead letters with their exact bytes, key and headers, which are read from the topic once more: the
 * encoder keeps none of them, and bad records are rare. Bounded memory: letters are stored as they come.
 */
import { landGroup, HEADER, readOrigin } from '../contracts/messages.ts';
import type { LandPorts } from './land-ports.ts';
import type { LandContext } from './land-write.ts';
import type { BadRecord } from './ports/lake-files.ts';
import type { DeadLetter } from './ports/manifest.ts';
import { recordDetails } from '../formats/record-batch-in.ts';
import type { LogRecord } from './ports/topic.ts';

const READ_RECORDS = 500;
const READ_TIMEOUT_MS = 1_000;

/** @throws Fault OffsetsExpired when the records are gone */
export async function addLetters(
  ports: Pick<LandPorts, 'openReader'> & { manifest: Pick<LandPorts['manifest'], 'addDeadLetters'> },
  context: Pick<LandContext, 'dataset' | 'topic' | 'topicId'>,
  partition: number,
  bad: readonly BadRecord[],
  hop: 'land' | 'load' = 'land',
): Promise<void> {
  const reasons = new Map(bad.map(({ offset, reason }) => [offset, reason]));
  if (reasons.size === 0) return;
  let first = Infinity;
  let last = -1;
  for (const offset of reasons.keys()) {
    first = Math.min(first, offset);
    last = Math.max(last, offset);
  }
  const { topic, topicId, dataset } = context;
  const reader = await ports.openReader({ topic, group: landGroup(dataset), from: new Map([[partition, first]]) });
  try {
    while ((reader.positions().get(partition) ?? 0) <= last) {
      const letters: DeadLetter[] = [];
      for (const record of await reader.read(READ_RECORDS, READ_TIMEOUT_MS)) {
        const reason = reasons.get(record.offset);
        if (reason !== undefined) letters.push(toLetter(record, reason));
      }
      await ports.manifest.addDeadLetters({ dataset, topicId, topic, partition, hop }, letters);
    }
  } finally {
    await reader.close();
  }
}

function toLetter(record: LogRecord, reason: string): DeadLetter {
  const { key, value, headers } = recordDetails(record);
  const origin = readOrigin(headers.find(([name]) => name === HEADER)?.[1].toString('latin1') ?? '');
  return {
    offset: record.offset,
    key,
    value,
    headers,
    replayId: origin?.replay ?? null,
    chunk: origin?.chunk ?? null,
    reason,
  };
}
