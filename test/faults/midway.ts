/** A run that is under way for sure: how far each hop is by what it delivered, and which process is at it. */
import { hostname } from 'node:os';
import { expect } from 'vitest';
import { openTopicAdmin } from '../../connectors/kafka/admin.ts';
import { datasetOf } from '../../contracts/pipeline.ts';
import { type QueueName, workflowIds } from '../../contracts/temporal.ts';
import { documentOf, headrace } from '../e2e/commands.ts';
import type { TestPipeline } from '../e2e/sales-pipeline.ts';
import { eventually, type Services } from '../e2e/services.ts';
import { required } from '../replay/setting.ts';

export type HopQueue = Exclude<QueueName, 'orchestrate'>;
export const HOPS: readonly HopQueue[] = ['read', 'land', 'load'];

/** The activities that move rows, which are what is to be cut off. */
const ACTIVITY: Record<HopQueue, string> = { read: 'publishChunk', land: 'landPartitions', load: 'loadSealed' };

export interface Run {
  pipeline: TestPipeline;
  replayId: string;
  rows: number;
}

/** Starts a run that goes on for rows / rate seconds, and leaves it. */
export async function startRun(run: Run, rate: number): Promise<void> {
  const options = ['--rate', `${rate}`, '--replay-id', run.replayId, '--detach', '--json'];
  await documentOf(headrace('run', run.pipeline.file, ...options));
}

/** @param rate rows a second; 0: as fast as it goes. Holds for chunks that begin from now on. */
export async function tune({ pipeline, replayId }: Run, rate: number): Promise<void> {
  await documentOf(headrace('tune', workflowIds.replay(pipeline.name, replayId), '--rate', `${rate}`, '--json'));
}

/** Comes back to the run and waits for its end, which must be a good one. */
export async function finishRun({ pipeline, replayId, rows }: Run): Promise<void> {
  const report = await documentOf(headrace('run', pipeline.file, '--replay-id', replayId, '--json'));
  expect(report).toMatchObject({ ok: true, rows: { source: rows, replayed: rows, landed: rows, loaded: rows } });
}

/** Rows that a hop has delivered; in the topic, offsets (a marker counts, which makes it more, never less). */
export async function delivered(services: Services, { pipeline }: Run, hop: HopQueue): Promise<number> {
  const { spec } = pipeline;
  if (hop === 'read') {
    const admin = openTopicAdmin({ brokers: required('HEADRACE_KAFKA_BROKERS').split(',') });
    const ends = await admin.highWatermarks(spec.topic.name, spec.topic.partitions);
    await admin.close();
    return Object.values(ends).reduce((sum, end) => sum + end, 0);
  }
  if (hop === 'land') {
    const { rows } = await services.control.query<{ rows: string }>(
      `SELECT coalesce(sum(rows), 0) AS rows FROM headrace.cut JOIN headrace.manifest_partition m ON m.id = partition_id
        WHERE dataset = $1 AND state = 'sealed'`,
      [datasetOf(spec.lake)],
    );
    return Number(rows[0]?.rows);
  }
  const { schema, table } = spec.warehouse.table;
  const there = await services.warehouse.query<{ there: boolean }>(`SELECT to_regclass($1) IS NOT NULL AS there`, [
    `${schema}.${table}`,
  ]);
  if (there.rows[0]?.there !== true) return 0;
  const { rows } = await services.warehouse.query<{ rows: string }>(`SELECT count(*) AS rows FROM ${schema}.${table}`);
  return Number(rows[0]?.rows);
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
  const STARTED = 2; // PENDING_ACTIVITY_STATE_STARTED
  return (raw.pendingActivities ?? [])
    .filter(({ activityType, state }) => activityType?.name === ACTIVITY[hop] && state === STARTED)
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
