/** What the topic still has: the records of given offsets, whose they are, and the partition count that keys were hashed over. */
import { fault } from '../contracts/errors.ts';
import { HEADER, LANE_MODULUS, landGroup, readOrigin } from '../contracts/messages.ts';
import { laneOf } from '../contracts/replay.ts';
import { partitionOf } from '../formats/murmur2.ts';
import type { Range } from '../formats/object-chain.ts';
import { recordDetails } from '../formats/record-batch-in.ts';
import type { LogRecord, OpenReader } from './ports/topic.ts';
import type { SeenReplay } from './recover-ports.ts';

const READ_RECORDS = 2_000;
const READ_TIMEOUT_MS = 500;
/** A transaction that a dead process left open ends by itself after 30 s. */
const OPEN_TRANSACTION_MS = 60_000;
/** Records a partition whose keys tell the count: two counts agree on so many by chance once in 2^100. */
const KEYS_A_PARTITION = 200;

export interface ReadPlace {
  openReader: OpenReader;
  topic: string;
  dataset: string;
}

/**
 * Committed records of [start, end), in order.
 * @param take false: enough
 * @throws Fault KafkaUnavailable when a transaction stays open in between; OffsetsExpired
 */
export async function readOffsets(
  { openReader, topic, dataset }: ReadPlace,
  partition: number,
  { start, end }: Range,
  take: (record: LogRecord) => boolean | Promise<boolean>,
): Promise<void> {
  if (start >= end) return;
  const reader = await openReader({ topic, group: landGroup(dataset), from: new Map([[partition, start]]) });
  try {
    let movedAt = performance.now();
    for (let at = start; at < end;) {
      for (const record of await reader.read(READ_RECORDS, READ_TIMEOUT_MS)) {
        if (record.offset >= end || !(await take(record))) return;
      }
      const position = reader.positions().get(partition) ?? at;
      if (position > at) movedAt = performance.now();
      else if (performance.now() - movedAt > OPEN_TRANSACTION_MS) {
        throw fault(
          'KafkaUnavailable',
          `topic ${topic}, partition ${partition}: offsets ${at} to ${end} cannot be read: a transaction is open there; stop ` +
            'all workers, wait half a minute, and try again',
        );
      }
      at = position;
    }
  } finally {
    await reader.close();
  }
}

/** Counts a range's records by replay. @returns records in all */
export async function countRecords(
  place: ReadPlace,
  partition: number,
  range: Range,
  replays: Map<string, SeenReplay>,
): Promise<number> {
  let records = 0;
  await readOffsets(place, partition, range, ({ bytes, originFrom, originTo }) => {
    records += 1;
    const origin = originTo < 0 ? null : readOrigin(bytes.toString('latin1', originFrom, originTo));
    if (!origin) return true;
    const seen = replays.get(origin.replay) ?? { records: 0, schemaVersions: new Set(), lanes: new Set() };
    seen.records += 1;
    seen.schemaVersions.add(origin.schema);
    seen.lanes.add(laneOf(origin.chunk, LANE_MODULUS));
    replays.set(origin.replay, seen);
    return true;
  });
  return records;
}

/**
 * How many partitions keys were hashed over when the topic was first used; partitions may have been added since, and the
 * pipeline's file may say otherwise by now. Told by the keys in the topic.
 * @param usual what a new pipeline would take
 * @returns null where the topic has no record that tells
 */
export async function hashedOver(
  place: ReadPlace,
  logs: ReadonlyMap<number, Range>,
  usual: number,
): Promise<number | null> {
  const keys: { partition: number; key: Buffer }[] = [];
  for (const [partition, log] of logs) {
    let taken = 0;
    await readOffsets(place, partition, log, (record) => {
      const { key, headers } = recordDetails(record);
      if (key !== null && headers.some(([name]) => name === HEADER)) keys.push({ partition, key });
      taken += 1;
      return taken < KEYS_A_PARTITION;
    });
  }
  if (keys.length === 0) return null;
  const counts = [usual, ...[...logs.keys()].map((partition) => partition + 1)];
  return (
    counts.find((count) => keys.every((each) => partitionOf(each.key, each.key.length, count) === each.partition)) ??
    null
  );
}
