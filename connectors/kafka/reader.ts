/**
 * Reads given partitions from given offsets. Guarantees: committed records only, in offset order a partition; positions move
 * over markers and aborted records; what expired is told, never jumped over; what is fetched ahead is bounded.
 *
 * No consumer group is joined, so there are no rebalances; the manifest's offsets are the whole of it. Records are taken
 * apart where they were received (formats/record-batch-in.ts): a record costs a third of a microsecond here, and six
 * through librdkafka's binding, which makes objects of each (decisions/0009).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogRecord, OpenReader, ReaderRequest, TopicReader } from '../../activities/ports/topic.ts';
import { fault, isFault, messageOf } from '../../contracts/errors.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { type BatchReader, createBatchReader, endOfBatches } from '../../formats/record-batch-in.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { unpack } from './compression.ts';
import { kafkaFault, NONE, OFFSET_OUT_OF_RANGE } from './error-codes.ts';
import { fetchCommitted, type FetchedPartition } from './fetch.ts';
import { commitOffsets, listOffsets } from './requests.ts';

const FETCH_BYTES = 8 * 1024 * 1024;
const FETCH_PARTITION_BYTES = 1024 * 1024;
const FETCH_WAIT_MS = 100;
/** Beyond so many bytes waiting to be taken apart, nothing more is fetched. */
const AHEAD_BYTES = 16 * 1024 * 1024;
/** Answers a partition that may wait. */
const AHEAD_ANSWERS = 2;
/** A partition that had nothing is not asked again for so long while others have records waiting. */
const EMPTY_PAUSE_MS = 50;
const RETRY_PAUSE_MS = 100;
const LAST_COMMIT_MS = 2_000;
/** Trouble that passes by itself (a broker restarts, a leader moves) is sat out so long, then told, for Temporal to retry. */
const PATIENCE_MS = 60_000;

interface Place {
  partition: number;
  /** Next offset to hand out. */
  position: number;
  /** Next offset to fetch. */
  fetchFrom: number;
  leader: number;
  paused: boolean;
  fetching: boolean;
  /** When an answer last brought nothing. */
  emptyAt: number;
  /** Grows with each seek: answers to what was asked before are dropped. */
  era: number;
  waiting: { reader: BatchReader; bytes: number }[];
}

export function openReaderWith(settings: KafkaSettings): OpenReader {
  return async (request) => {
    const cluster = openCluster(settings);
    try {
      const reader = createReader(cluster, request);
      await reader.start();
      return reader;
    } catch (error) {
      cluster.close();
      throw error;
    }
  };
}

function createReader(
  cluster: Cluster,
  { topic, group, from }: ReaderRequest,
): TopicReader & { start(): Promise<void> } {
  const doing = `reading topic ${topic}`;
  const places = new Map<number, Place>(
    [...from].map(([partition, position]) => [
      partition,
      {
        partition,
        position,
        fetchFrom: position,
        leader: -1,
        paused: false,
        fetching: false,
        emptyAt: 0,
        era: 0,
        waiting: [],
      },
    ]),
  );
  const order = [...places.values()];
  /** Bytes that wait. */
  let ahead = 0;
  let turn = 0;
  let failure: Error | undefined;
  let troubleSince: number | null = null;
  let refreshing: Promise<void> | null = null;
  let closed = false;
  let committed = Promise.resolve();
  let wake: () => void = () => undefined;

  /** Leaders as they are now; a partition without one is looked for again. */
  async function lookUp(): Promise<void> {
    const found = await cluster.topic(topic);
    if (!found) throw fault('KafkaUnavailable', `${doing}: there is no such topic`);
    for (const place of places.values()) place.leader = found.leaders.get(place.partition) ?? -1;
  }

  /** Something that may pass: wait, look up the leaders, go on. Told once it lasts. */
  function trouble(error: Error): void {
    troubleSince ??= Date.now();
    if (!isFault(error, 'KafkaUnavailable') || Date.now() - troubleSince > PATIENCE_MS) {
      failure ??= error;
      wake();
      return;
    }
    for (const place of places.values()) place.leader = -1;
    refreshing ??= sleep(RETRY_PAUSE_MS)
      .then(() => (closed ? undefined : lookUp()))
      .catch((again: unknown) => {
        refreshing = null;
        trouble(again instanceof Error ? again : new Error(messageOf(again)));
      })
      .finally(() => {
        refreshing = null;
        fetchMore();
      });
  }

  /** Asks each broker for those of its partitions that have little waiting. */
  function fetchMore(): void {
    if (closed || failure || ahead >= AHEAD_BYTES) return;
    const byLeader = new Map<number, Place[]>();
    for (const place of places.values()) {
      if (place.paused || place.fetching || place.leader < 0 || place.waiting.length >= AHEAD_ANSWERS) continue;
      if (ahead > 0 && Date.now() - place.emptyAt < EMPTY_PAUSE_MS) continue;
      byLeader.set(place.leader, [...(byLeader.get(place.leader) ?? []), place]);
    }
    for (const [leader, wanted] of byLeader) {
      turn += 1;
      const order = wanted.map((_, i) => wanted[(i + turn) % wanted.length] as Place);
      for (const place of order) place.fetching = true;
      void fetchFrom(leader, order);
    }
  }

  async function fetchFrom(leader: number, wanted: readonly Place[]): Promise<void> {
    const eras = wanted.map(({ era }) => era);
    try {
      const offsets = wanted.map(({ partition, fetchFrom }) => [partition, fetchFrom] as const);
      // Partitions that have records waiting must not hold back the answer for them.
      const waitMs = ahead > 0 ? 1 : FETCH_WAIT_MS;
      const bounds = { waitMs, bytes: FETCH_BYTES, partitionBytes: FETCH_PARTITION_BYTES };
      const answer = await (await cluster.broker(leader)).send(fetchCommitted(topic, offsets, bounds));
      if (closed) return;
      if (answer.error !== NONE) throw kafkaFault(answer.error, doing);
      for (const fetched of answer.partitions) {
        const index = wanted.findIndex(({ partition }) => partition === fetched.partition);
        const place = wanted[index];
        if (place && place.era === eras[index]) await take(place, fetched);
      }
      if (answer.partitions.every(({ error }) => error === NONE)) troubleSince = null;
    } catch (error) {
      if (!closed) trouble(error instanceof Error ? error : new Error(messageOf(error)));
    } finally {
      for (const place of wanted) place.fetching = false;
      wake();
      fetchMore();
    }
  }

  async function take(place: Place, { error, aborted, records }: FetchedPartition): Promise<void> {
    const what = `${doing}, partition ${place.partition}`;
    if (error === OFFSET_OUT_OF_RANGE) {
      // What was fetched before is still handed out; then it is told.
      if (place.waiting.length === 0) await checkBounds(place);
      await sleep(RETRY_PAUSE_MS);
      return;
    }
    if (error !== NONE) throw kafkaFault(error, what);
    if (records.length === 0) place.emptyAt = Date.now();
    const end = endOfBatches(records, place.fetchFrom);
    if (end === place.fetchFrom) return;
    const reader = createBatchReader(place.partition, records, place.fetchFrom, aborted, unpack, what);
    place.waiting.push({ reader, bytes: records.length });
    ahead += records.length;
    place.fetchFrom = end;
  }

  /** @throws Fault OffsetsExpired, ManifestConflict when the position is not within the partition's log */
  async function checkBounds({ partition, position, leader }: Place): Promise<void> {
    const broker = await cluster.broker(leader);
    const [low, high] = await Promise.all(
      ([-2, -1] as const).map(async (at) => (await broker.send(listOffsets(topic, [partition], at)))[0]),
    );
    if (!low || !high || low.error !== NONE || high.error !== NONE) {
      throw kafkaFault(low?.error ?? high?.error ?? -1, `${doing}: asking for the bounds of partition ${partition}`);
    }
    if (position < low.offset) {
      throw fault(
        'OffsetsExpired',
        `${doing}: partition ${partition} begins at offset ${low.offset} now, ${position} to ${low.offset} expired or were ` +
          'deleted before they were landed; raise the retention, and use --accept-loss to land on without them',
      );
    }
    if (position > high.offset) {
      throw fault(
        'ManifestConflict',
        `${doing}: partition ${partition} ends at offset ${high.offset}, but ${position} was landed already: the log was ` +
          'cut short (unclean leader election?); land it to a new prefix',
      );
    }
  }

  /** Moves records over until there are enough. Whose answer is used up comes last in the next turn, so that none starves. */
  function handOut(most: number): { records: LogRecord[]; moved: boolean } {
    const records: LogRecord[] = [];
    let moved = false;
    while (records.length < most) {
      const index = order.findIndex(({ paused, waiting }) => !paused && waiting.length > 0);
      const place = order[index];
      const answer = place?.waiting[0];
      if (!place || !answer) break;
      for (let record = answer.reader.next(); ; record = answer.reader.next()) {
        if (!record) {
          place.waiting.shift();
          ahead -= answer.bytes;
          moved = true;
          order.push(...order.splice(index, 1));
          break;
        }
        records.push(record);
        if (records.length >= most) break;
      }
      place.position = answer.reader.position();
    }
    return { records, moved };
  }

  return {
    async start() {
      await lookUp();
      fetchMore();
    },
    async read(maxRecords, timeoutMs) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const { records, moved } = handOut(maxRecords);
        if (records.length === 0 && failure) {
          const told = failure;
          failure = undefined; // whoever goes on after it (over expired records) hears of it again if it is still so
          throw told;
        }
        fetchMore();
        if (records.length > 0 || moved || closed) return records;
        const left = deadline - Date.now();
        if (left <= 0) return records;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    positions: () => new Map([...places.values()].map(({ partition, position }) => [partition, position])),
    pause(partitions) {
      for (const partition of partitions) (places.get(partition) as Place).paused = true;
    },
    resume(partitions) {
      for (const partition of partitions) (places.get(partition) as Place).paused = false;
      fetchMore();
    },
    seek(partition, offset) {
      const place = places.get(partition);
      if (!place) throw fault('Unexpected', `${doing}: partition ${partition} is not read here`);
      for (const { bytes } of place.waiting) ahead -= bytes;
      place.waiting = [];
      place.position = place.fetchFrom = offset;
      place.era += 1;
      fetchMore();
      return Promise.resolve();
    },
    // Not waited for: landing must not stand still because a group's coordinator does.
    commitLag(offsets) {
      const committing = `committing the lag of group ${group}`;
      committed = cluster
        .ask(committing, () => cluster.coordinator('group', group), commitOffsets(group, topic, offsets))
        .then(() => undefined)
        .catch((error: unknown) => {
          if (!closed && isFault(error, 'AccessDenied')) failure ??= error;
        });
      return Promise.resolve();
    },
    async close() {
      await Promise.race([committed, sleep(LAST_COMMIT_MS, undefined, { ref: false })]);
      closed = true;
      cluster.close();
      wake();
    },
  };
}
