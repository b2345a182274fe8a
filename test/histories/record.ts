/**
 * Records the histories that replay.test.ts replays, by real runs of every workflow type on a stack of its own:
 *
 *   npx tsx test/histories/record.ts
 *
 * By hand, when a workflow's commands are meant to change: what runs in production must be drained first, then
 * (docs/operations.md). Temporal suggests to continue as new after so few events here that a short replay does.
 */
import protos from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IntervalInput } from '../../contracts/intervals.ts';
import { datasetOf, type PipelineSpec } from '../../contracts/pipeline.ts';
import {
  type GenerateInput,
  type ReplayInput,
  SIGNALS,
  TASK_QUEUES,
  workflowIds,
  WORKFLOWS,
} from '../../contracts/temporal.ts';
import { COUNTRY_SALES_SETTINGS } from '../../generators/country-sales/settings.ts';
import { defaultsOf } from '../../generators/kinds.ts';
import { down } from '../../stack/down.ts';
import { CHECKOUT, stackFolders } from '../../stack/environment.ts';
import { startService, stopService } from '../../stack/fault-controls.ts';
import { up } from '../../stack/up.ts';
import { loadSettings } from '../../workers/config/index.ts';
import { migrate } from '../../workers/migrate.ts';
import { killAllWorkers, startWorkerProcess } from '../e2e/commands.ts';
import { newPipeline, openSetting, unique } from '../replay/setting.ts';

const FOLDER = join(import.meta.dirname, 'recorded');
const ROWS = 600;
/** Chunks of the pipelines here; a chunk is about eight events. */
const CHUNKS = 6;
const CONTINUE_AS_NEW_AFTER_EVENTS = 100;

const home = mkdtempSync(join(tmpdir(), 'headrace-record-'));
const { cache } = stackFolders();
const info = await up({ home, cache, given: { postgres: {} }, onProgress: () => undefined });
const program = readdirSync(cache).find((name) => /^temporal-[\d.]+-/.test(name) && !name.includes('.lock'));
const temporal = await TestWorkflowEnvironment.createLocal({
  server: {
    executable: { type: 'existing-path', path: join(cache, program ?? '', 'temporal') },
    extraArgs: ['--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${CONTINUE_AS_NEW_AFTER_EVENTS}`],
  },
});
Object.assign(process.env, info.env, { HEADRACE_TEMPORAL_ADDRESS: temporal.address });
const settings = loadSettings();
await migrate(settings);
const setting = openSetting();
const { workflow } = temporal.client;

try {
  await startWorkerProcess();
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER);
  await recordRun();
  await recordReplayInTrouble();
  await recordReplayOfTwoRuns();
  await recordRefusedRun();
  await recordInterval();
  await recordGenerate();
} finally {
  await killAllWorkers();
  await setting.close();
  await temporal.teardown();
  await down({ home, purge: true });
}

function newSpec(chunks: number): Promise<PipelineSpec> {
  return newPipeline(setting, (ROWS / CHUNKS) * chunks, ROWS / CHUNKS);
}

function start(type: string, workflowId: string, input: ReplayInput | GenerateInput) {
  return workflow.start(type, { workflowId, taskQueue: TASK_QUEUES.orchestrate, args: [input] });
}

/** The whole, every hop overlapping. */
async function recordRun(): Promise<void> {
  const spec = await newSpec(CHUNKS);
  const replayId = unique('r');
  const { name } = spec;
  const run = await start(WORKFLOWS.run, workflowIds.run(name, replayId), { spec, replayId, scope: {} });
  await run.result();
  const landing = workflowIds.land(datasetOf(spec.lake));
  await workflow.getHandle(landing).result();
  await save('run', run.workflowId);
  await save('replay', workflowIds.replay(name, replayId));
  await save('land', landing);
  await save('load', workflowIds.load(name, replayId));
  await save('verify', workflowIds.verify(name, replayId));
}

/** Paused, resumed, given another rate and more lanes, and a chunk tried again because Kafka was killed. */
async function recordReplayInTrouble(): Promise<void> {
  const spec = await newSpec(CHUNKS);
  const replayId = unique('r');
  const input = { spec, replayId, scope: {}, rate: 100 };
  const replay = await start(WORKFLOWS.replay, workflowIds.replay(spec.name, replayId), input);
  await sleep(2_500);
  await replay.signal(SIGNALS.pause);
  await sleep(1_000);
  await stopService(home, 'kafka', 'SIGKILL');
  await replay.signal(SIGNALS.resume);
  await sleep(4_000);
  await startService(home, 'kafka');
  await replay.signal(SIGNALS.setRate, null);
  await replay.signal(SIGNALS.setLanes, 3);
  await replay.result();
  // The first of its runs: it may have gone on as a new one.
  await save('replay-in-trouble', replay.workflowId, replay.firstExecutionRunId);
}

async function recordReplayOfTwoRuns(): Promise<void> {
  const spec = await newSpec(CHUNKS * 3);
  const replayId = unique('r');
  const input = { spec, replayId, scope: {} };
  const replay = await start(WORKFLOWS.replay, workflowIds.replay(spec.name, replayId), input);
  await replay.result();
  await save('replay-continues-as-new', replay.workflowId, replay.firstExecutionRunId);
  await save('replay-continued', replay.workflowId);
}

/** An interval as its schedule starts it, but for the scheduled time. */
async function recordInterval(): Promise<void> {
  const spec = await newSpec(CHUNKS);
  const { table } = spec.source.table;
  await setting.sales.query(`ALTER TABLE ${table} ADD COLUMN at timestamptz DEFAULT now() - interval '2 hours'`);
  const input: IntervalInput = {
    spec: { ...spec, source: { ...spec.source, eventTime: 'at' } },
    stepMs: 3_600_000,
    lookBackMs: 3_600_000,
    madeBy: 'schedule',
  };
  const args = [input];
  const workflowId = `${workflowIds.interval(spec.name)}-recorded`;
  const options = { workflowId, taskQueue: TASK_QUEUES.orchestrate, args };
  const interval = await workflow.start(WORKFLOWS.interval, options);
  await interval.result();
  await save('interval', interval.workflowId);
}

/** A run that fails: its request for landing is never made. */
async function recordRefusedRun(): Promise<void> {
  const spec = await newSpec(CHUNKS);
  const replayId = unique('r');
  const missing = { ...spec, source: { ...spec.source, table: { schema: 'public', table: 'no_such_table' } } };
  const run = await start(WORKFLOWS.run, workflowIds.run(spec.name, replayId), { spec: missing, replayId, scope: {} });
  await run.result().catch(() => undefined);
  await save('run-refused', run.workflowId);
}

/** Live, paused, resumed and stopped. */
async function recordGenerate(): Promise<void> {
  const profile = 'country-sales';
  const event = Date.UTC(2024, 0, 1) * 1_000;
  const input: GenerateInput = {
    request: {
      ...{ profile, settings: defaultsOf(COUNTRY_SALES_SETTINGS), seed: 1, start: event },
      ...{ target: { kind: 'kafka', partitions: 1 }, pace: { speed: 60, origin: { wall: 0, event } } },
    },
    ...{ replace: false, startsNow: false },
  };
  const generating = await start(WORKFLOWS.generate, workflowIds.generate(profile, unique('g')), input);
  await sleep(3_000);
  await generating.signal(SIGNALS.pause);
  await sleep(2_000);
  await generating.signal(SIGNALS.resume);
  await sleep(3_000);
  await generating.signal(SIGNALS.stop);
  await generating.result();
  await save('generate', generating.workflowId);
}

/**
 * One event a line, without what belongs to this machine. In protobuf.js' own JSON form: the SDK's (proto-utils) fails where
 * npm gives its packages a protobufjs each ("type must be a Type").
 */
async function save(name: string, workflowId: string, runId?: string): Promise<void> {
  const history = await workflow.getHandle(workflowId, runId).fetchHistory();
  const form = { longs: String, enums: String, bytes: String };
  const { History } = protos.temporal.api.history.v1;
  const { events } = History.toObject(History.fromObject(history), form) as { events: unknown[] };
  const lines = events.map((event) =>
    JSON.stringify(event, (key, value: unknown) => (key === 'stackTrace' ? '' : value))
      .replaceAll(hostname(), 'recorder')
      .replaceAll(CHECKOUT, '.'),
  );
  writeFileSync(join(FOLDER, `${name}.jsonl`), `${lines.join('\n')}\n`);
  console.log(`${name}: ${events.length} events`);
}
