/**
 * Which workers have gone although the server still lists their polls, which it holds for a minute and remembers for longer:
 * those that said that they end, and those whose heartbeats stopped. Told by whether the last heartbeat's time changes while
 * this command looks on, never by what time it says: a worker's clock may be wrong.
 */
import type { Temporal } from './temporal.ts';

/** temporal.api.enums.v1.WorkerStatus */
const RUNNING = 1;
/** Four of a worker's beats (workers/run-worker.ts): one may be late on a machine that is busy. */
const SILENT_MS = 20_000;
const MOST_WORKERS = 1_000;

/** The heartbeat last seen of each worker, and since when it is the last, ms. */
const seen = new Map<string, { beat: string; since: number }>();

/** @returns of (worker's identity, task queue) whether it has gone; false also where the server keeps no heartbeats */
export async function workersGone(temporal: Temporal): Promise<(who: string, queue: string) => boolean> {
  const gone = new Map<string, boolean>();
  for (const { workerInstanceKey, place, status, heartbeatTime } of await heartbeats(temporal)) {
    const beat = `${String(heartbeatTime?.seconds)}.${heartbeatTime?.nanos ?? 0}`;
    const isGone = Number(status) !== RUNNING || isSilent(workerInstanceKey ?? place, beat);
    // A container's next worker has the identity of the last.
    gone.set(place, isGone && gone.get(place) !== false);
  }
  return (who, queue) => gone.get(`${who} ${queue}`) ?? false;
}

/** @returns the last heartbeat by "identity queue", ms of the worker's own clock; none where the server keeps none */
export async function workerBeats(temporal: Temporal): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const { place, heartbeatTime } of await heartbeats(temporal)) {
    const ms = Number(heartbeatTime?.seconds ?? 0) * 1000 + (heartbeatTime?.nanos ?? 0) / 1e6;
    found.set(place, Math.max(ms, found.get(place) ?? 0));
  }
  return found;
}

/** `place`: identity and task queue, as pollers have them. */
async function heartbeats({ connection, settings }: Temporal) {
  const request = { namespace: settings.namespace, pageSize: MOST_WORKERS };
  const { workersInfo } = await connection.workflowService.listWorkers(request).catch(() => ({ workersInfo: [] }));
  return workersInfo.map(({ workerHeartbeat }) => {
    const { workerIdentity, taskQueue } = workerHeartbeat ?? {};
    return { ...workerHeartbeat, place: `${workerIdentity ?? ''} ${taskQueue ?? ''}` };
  });
}

function isSilent(worker: string, beat: string): boolean {
  const last = seen.get(worker);
  if (last?.beat === beat) return performance.now() - last.since > SILENT_MS;
  seen.set(worker, { beat, since: performance.now() });
  return false;
}
