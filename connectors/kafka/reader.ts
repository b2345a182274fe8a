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
import { isFault } from '../../contracts/errors.ts';
import type { KafkaSettings } from '../../contracts/settings.ts';
import { type Cluster, openCluster } from './cluster.ts';
import { createFetchAhead, type FetchAhead } from './fetch-ahead.ts';
import { commitOffsets } from './offset-requests.ts';

/** The last commit of the lag is waited for so long. */
const LAST_COMMIT_MS = 2_000;

export function openReaderWith(settings: KafkaSettings): OpenReader {
  return async (request) => {
    const cluster = openCluster(settings);
    const fetched = createFetchAhead(cluster, request.topic, request.from);
    try {
      await fetched.start();
      return createReader(cluster, fetched, request);
    } catch (error) {
      fetched.close();
      cluster.close();
      throw error;
    }
  };
}

function createReader(cluster: Cluster, fetched: FetchAhead, { topic, group }: ReaderRequest): TopicReader {
  const { places } = fetched;
  let closed = false;
  let committed = Promise.resolve();

  /** Moves records over until there are enough. Whose answer is used up comes last in the next turn, so that none starves. */
  function handOut(most: number): { records: LogRecord[]; moved: boolean } {
    const records: LogRecord[] = [];
    let moved = false;
    while (records.length < most) {
      const index = places.findIndex(({ paused, waiting }) => !paused && waiting.length > 0);
      const place = places[index];
      const answer = place?.waiting[0];
      if (!place || !answer) break;
      for (let record = answer.reader.next(); ; record = answer.reader.next()) {
        if (!record) {
          fetched.used(place);
          moved = true;
          places.push(...places.splice(index, 1));
          break;
        }
        records.push(record);
        if (records.length >= most) break;
      }
      place.position = answer.reader.position();
    }
    return { records, moved };
  }

  function setPaused(partitions: readonly number[], paused: boolean): void {
    for (const place of places) if (partitions.includes(place.partition)) place.paused = paused;
    fetched.more();
  }

  return {
    async read(maxRecords, timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      for (;;) {
        const { records, moved } = handOut(maxRecords);
        const failure = records.length === 0 ? fetched.takeFailure() : undefined;
        if (failure) throw failure;
        fetched.more();
        const left = deadline - performance.now();
        if (records.length > 0 || moved || closed || left <= 0) return records;
        await fetched.change(left);
      }
    },
    positions: () => new Map(places.map(({ partition, position }) => [partition, position])),
    pause: (partitions) => setPaused(partitions, true),
    resume: (partitions) => setPaused(partitions, false),
    seek(partition, offset) {
      fetched.seek(partition, offset);
      return Promise.resolve();
    },
    // Not waited for: landing must not stand still because a group's coordinator does.
    commitLag(offsets) {
      const committing = `committing the lag of group ${group}`;
      committed = cluster
        .ask(committing, () => cluster.coordinator('group', group), commitOffsets(group, topic, offsets))
        .then(() => undefined)
        .catch((error: unknown) => {
          if (!closed && isFault(error, 'AccessDenied')) fetched.fail(error);
        });
      return Promise.resolve();
    },
    async close() {
      await Promise.race([committed, sleep(LAST_COMMIT_MS, undefined, { ref: false })]);
      closed = true;
      fetched.close();
      cluster.close();
    },
  };
}
