/**
 * Fetches partitions ahead of whoever reads them. Guarantees: what waits is bounded; a partition's answers are asked for one
 * after the other, so they join without hole or repeat; trouble that passes by itself is sat out for a minute a partition,
 * without holding up the others, then told; what does not pass is told at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fault, isFault, messageOf } from '../../contracts/errors.ts';
import { type BatchReader, createBatchReader, endOfBatches } from '../../formats/record-batch-in.ts';
import type { Cluster } from './cluster.ts';
import { unpack } from './compression.ts';
import { kafkaFault, NONE, OFFSET_OUT_OF_RANGE } from './error-codes.ts';
import { fetchCommitted, type FetchedPartition } from './fetch.ts';
import { checkBounds } from './log-bounds.ts';

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
/** Trouble that passes by itself (a broker restarts, a leader moves) is sat out so long, then told, for Temporal to retry. */
const PATIENCE_MS = 60_000;

export interface Place {
  readonly partition: number;
  /** Next offset to hand out. */
  position: number;
  paused: boolean;
  /** Answers to be taken apart, the oldest first. */
  waiting: { reader: BatchReader; bytes: number }[];
}

interface FetchedPlace extends Place {
  /** Next offset to fetch. */
  fetchFrom: number;
  /** -1: to be looked up. */
  leader: number;
  fetching: boolean;
  /** When an answer last brought nothing. */
  emptyAt: number;
  /** When its present trouble began. */
  troubleSince: number | null;
  /** Grows with each seek: answers to what was asked before are dropped. */
  era: number;
}

export interface FetchAhead {
  /** In the order in which they are to be handed out. */
  places: Place[];
  /** Looks leaders up and begins. */
  start(): Promise<void>;
  /** To be called when an answer was used up, or a partition resumed. */
  more(): void;
  /** Takes the oldest answer of a place away. */
  used(place: Place): void;
  /** What went wrong, once: whoever goes on after it (over expired records) hears of it again if it is still so. */
  takeFailure(): Error | undefined;
  fail(error: Error): void;
  seek(partition: number, offset: number): void;
  /** Resolves when something came or went wrong, at the latest after `ms`. */
  change(ms: number): Promise<void>;
  close(): void;
}

export function createFetchAhead(cluster: Cluster, topic: string, from: ReadonlyMap<number, number>): FetchAhead {
  const doing = `reading topic ${topic}`;
  const places = [...from].map(([partition, position]): FetchedPlace => ({
    partition,
    position,
    fetchFrom: position,
    leader: -1,
    paused: false,
    fetching: false,
    emptyAt: 0,
    troubleSince: null,
    era: 0,
    waiting: [],
  }));
  /** Bytes that wait. */
  let ahead = 0;
  const turns = new Map<number, number>();
  let failure: Error | undefined;
  let looking = false;
  let closed = false;
  let wake: () => void = () => undefined;

  const isClosed = (): boolean => closed;

  function fail(error: Error): void {
    failure ??= error;
    wake();
  }

  /** Leaders as they are now. */
  async function lookUp(): Promise<void> {
    const found = await cluster.topic(topic);
    if (!found) throw fault('KafkaUnavailable', `${doing}: there is no such topic`);
    const leaderless: FetchedPlace[] = [];
    for (const place of places) {
      if (place.leader >= 0) continue;
      place.leader = found.leaders.get(place.partition) ?? -1;
      if (place.leader < 0) leaderless.push(place);
    }
    const names = leaderless.map(({ partition }) => partition).join(', ');
    if (names !== '') trouble(fault('KafkaUnavailable', `${doing}: partitions ${names} have no leader`), leaderless);
  }

  /** Something that may pass: their leaders are looked up again. Told once it lasts. */
  function trouble(error: Error, troubled: readonly FetchedPlace[]): void {
    // The leader is the right one: whoever goes on (over expired records, by a seek) goes on with it.
    if (!isFault(error, 'KafkaUnavailable')) return fail(error);
    const now = performance.now();
    for (const place of troubled) {
      place.leader = -1;
      place.troubleSince ??= now;
    }
    if (troubled.some(({ troubleSince }) => now - (troubleSince ?? now) > PATIENCE_MS)) fail(error);
    void lookUpLater();
  }

  async function lookUpLater(): Promise<void> {
    if (looking) return;
    looking = true;
    await sleep(RETRY_PAUSE_MS);
    looking = false;
    if (isClosed()) return;
    try {
      await lookUp();
    } catch (error) {
      const lost = places.filter(({ leader }) => leader < 0);
      if (!isClosed()) trouble(asError(error), lost);
    }
    more();
  }

  /** Asks each broker for those of its partitions that have little waiting. */
  function more(): void {
    if (closed || failure || ahead >= AHEAD_BYTES) return;
    const byLeader = new Map<number, FetchedPlace[]>();
    for (const place of places) {
      if (place.paused || place.fetching || place.leader < 0 || place.waiting.length >= AHEAD_ANSWERS) continue;
      if (ahead > 0 && performance.now() - place.emptyAt < EMPTY_PAUSE_MS) continue;
      byLeader.set(place.leader, [...(byLeader.get(place.leader) ?? []), place]);
    }
    for (const [leader, wanted] of byLeader) {
      // Those named first are filled first.
      const turn = (turns.get(leader) ?? 0) + 1;
      turns.set(leader, turn);
      const turned = wanted.map((_, i) => wanted[(i + turn) % wanted.length] as FetchedPlace);
      for (const place of turned) place.fetching = true;
      void fetchFrom(leader, turned);
    }
  }

  async function fetchFrom(leader: number, wanted: readonly FetchedPlace[]): Promise<void> {
    const eras = wanted.map(({ era }) => era);
    try {
      const offsets = wanted.map(({ partition, fetchFrom }) => [partition, fetchFrom] as const);
      // A broker answers a connection's requests in turn: while records wait, none may stay with it for long.
      const waitMs = ahead > 0 ? 1 : FETCH_WAIT_MS;
      const bounds = { waitMs, bytes: FETCH_BYTES, partitionBytes: FETCH_PARTITION_BYTES };
      const answer = await (await cluster.broker(leader)).send(fetchCommitted(topic, offsets, bounds));
      if (closed) return;
      if (answer.error !== NONE) throw kafkaFault(answer.error, doing);
      for (const fetched of answer.partitions) {
        const index = wanted.findIndex(({ partition }) => partition === fetched.partition);
        const place = wanted[index];
        if (!place || place.era !== eras[index]) continue;
        try {
          await take(place, fetched);
        } catch (error) {
          trouble(asError(error), [place]);
        }
      }
    } catch (error) {
      if (!closed) trouble(asError(error), wanted);
    } finally {
      for (const place of wanted) place.fetching = false;
      wake();
      more();
    }
  }

  async function take(place: FetchedPlace, { error, aborted, records }: FetchedPartition): Promise<void> {
    const what = `${doing}, partition ${place.partition}`;
    if (error === OFFSET_OUT_OF_RANGE) {
      // What was fetched before is still handed out; then it is told.
      if (place.waiting.length === 0) await checkBounds(await cluster.broker(place.leader), topic, place);
      await sleep(RETRY_PAUSE_MS);
      return;
    }
    if (error !== NONE) throw kafkaFault(error, what);
    place.troubleSince = null;
    if (records.length === 0) place.emptyAt = performance.now();
    const end = endOfBatches(records, place.fetchFrom);
    if (end === place.fetchFrom) return;
    const reader = createBatchReader(place.partition, records, place.fetchFrom, aborted, unpack, what);
    place.waiting.push({ reader, bytes: records.length });
    ahead += records.length;
    place.fetchFrom = end;
  }

  return {
    places,
    async start() {
      await lookUp();
      more();
    },
    more,
    used(place) {
      ahead -= place.waiting.shift()?.bytes ?? 0;
    },
    takeFailure() {
      const told = failure;
      failure = undefined;
      return told;
    },
    fail,
    seek(partition, offset) {
      const place = places.find((each) => each.partition === partition);
      if (!place) throw fault('Unexpected', `${doing}: partition ${partition} is not read here`);
      for (const { bytes } of place.waiting) ahead -= bytes;
      place.waiting = [];
      place.position = place.fetchFrom = offset;
      place.era += 1;
      more();
    },
    change: (ms) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    close() {
      closed = true;
      wake();
    },
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}
