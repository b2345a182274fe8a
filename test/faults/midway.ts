/** A run that is under way for sure: how far each hop is by what it delivered, and which process is at it. */
import protos from '@temporalio/proto';
import { hostname } from 'node:os';
import { expect } from 'vitest';
import { datasetOf } from '../../contracts/pipeline.ts';
import {
  type QueueName,
  type RunInput,
  type RunReport,
  SIGNALS,
  TASK_QUEUES,
  workflowIds,
  WORKFLOWS,
} from '../../contracts/temporal.ts';
import type { TestPipeline } from '../e2e/sales-pipeline.ts';
import { eventually, type Services } from '../e2e/services.ts';
import { askWarehouse } from '../e2e/warehouse-side.ts';

export type HopQueue = Exclude<QueueName, 'orchestrate'>;
export const HOPS: readonly HopQueue[] = ['read', 'land', 'load'];

/** The activities that move rows, which are what is to be cut off. */
const ACTIVITY: Record<HopQueue, string> = { read: 'publishChunk', land: 'landPartitions', load: 'loadSealed' };

const { PendingActivityState } = protos.temporal.api.enums.v1;

export interface Run {
  pipeline: TestPipeline;
  replayId: string;
  rows: number;
}

/** Starts a run that goes on for rows / rate seconds. */
export async function startRun({ temporal }: Services, { pipeline, replayId }: Run, rate: number): Promise<void> {
  const input: RunInput = { spec: pipeline.spec, replayId, scope: {}, rate };
  const workflowId = workflowIds.run(pipeline.name, replayId);
  await temporal.workflow.start(WORKFLOWS.run, { workflowId, taskQueue: TASK_QUEUES.orchestrate, args: [input] });
}

/** @param rate rows a second; null: as fast as it goes. Holds for chunks that begin from now on. */
export async function tune({ temporal }: Services, { pipeline, replayId }: Run, rate: number | null): Promise<void> {
  await temporal.workflow.getHandle(workflowIds.replay(pipeline.name, replayId)).signal(SIGNALS.setRate, rate);
}

/** Waits for the run's end, which must be a good one: `verify` is its last step. */
export async function finishRun({ temporal }: Services, { pipeline, replayId, rows }: Run): Promise<void> {
  const handle = temporal.workflow.getHandle(workflowIds.run(pipeline.name, replayId));
  const report = (await handle.result()) as RunReport;
  expect(report).toMatchObject({
    rows: { source: rows, replayed: rows, landed: rows, loaded: rows },
    missing: 0,
    extra: 0,
    different: 0,
    changedSince: 0,
    lost: 0,
    deadLetters: 0,
    chunksUnequal: 0,
    ok: true,
  });
}

/** Rows that a hop has delivered so far: committed to the topic, sealed in the lake, in the warehouse's table. */
export async function delivered(services: Services, { pipeline, replayId }: Run, hop: HopQueue): Promise<number> {
  const { spec } = pipeline;
  if (hop === 'read') {
    // Not the topic's end, which counts aborted rows and markers.
    const { rows } = await services.control.query<{ rows: string }>(
      `SELECT coalesce(sum(rows), 0) AS rows FROM headrace.lane_transaction WHERE replay_id = $1 AND state = 'done'`,
      [replayId],
    );
    return Number(rows[0]?.rows);
  }
  if (hop === 'land') {
    const { rows } = await services.control.query<{ rows: string }>(
      `SELECT coalesce(sum(rows), 0) AS rows FROM headrace.cut JOIN headrace.manifest_partition m ON m.id = partition_id
        WHERE dataset = $1 AND state = 'sealed'`,
      [datasetOf(spec.lake)],
    );
    return Number(rows[0]?.rows);
  }
  const count = (table: string): string => `SELECT count(*) FROM ${table}`;
  const [rows = '0'] = await askWarehouse(services, spec, { postgres: count, mysql: count });
  return Number(rows);
}

export interface AtWork {
  /** Attempts of its oldest activity. */
  attempt: number;
  worker: string;
}

export function hopWorkflow({ pipeline, replayId }: Run, hop: HopQueue): string {
  if (hop === 'land') return workflowIds.land(datasetOf(pipeline.spec.lake));
  return (hop === 'read' ? workflowIds.replay : workflowIds.load)(pipeline.name, replayId);
}

/** The processes in which a hop's activities run just now, as Temporal knows it. */
export async function atWork({ temporal }: Services, run: Run, hop: HopQueue): Promise<AtWork[]> {
  const { raw } = await temporal.workflow.getHandle(hopWorkflow(run, hop)).describe();
  return (raw.pendingActivities ?? [])
    .filter(
      ({ activityType, state }) =>
        activityType?.name === ACTIVITY[hop] && state === PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
    )
    .map(({ attempt, lastWorkerIdentity }) => ({ attempt: attempt ?? 0, worker: lastWorkerIdentity ?? '' }));
}

/** Waits until the process is at the hop's work, and rows beyond `from` were delivered. @returns how many */
export async function untilUnderWay(
  services: Services,
  run: Run,
  hop: HopQueue,
  pid: number,
  from: number,
  seconds: number,
): Promise<number> {
  const worker = `${hostname()}/${pid}`;
  return await eventually(`${hop} goes on in process ${pid} beyond ${from} rows`, seconds, async () => {
    const busy = await atWork(services, run, hop).catch(() => []);
    if (!busy.some((each) => each.worker === worker)) return undefined;
    const rows = await delivered(services, run, hop);
    return rows > from ? rows : undefined;
  });
}

/** Fails unless the hop is neither at its beginning nor at its end. @returns rows delivered */
export async function expectMidway(services: Services, run: Run, hop: HopQueue): Promise<number> {
  const rows = await delivered(services, run, hop);
  expect(rows, `${hop} has begun`).toBeGreaterThan(0);
  expect(rows, `${hop} has not ended`).toBeLessThan(run.rows);
  const { status } = await services.temporal.workflow.getHandle(hopWorkflow(run, hop)).describe();
  expect(status.name, hopWorkflow(run, hop)).toBe('RUNNING');
  return rows;
}
