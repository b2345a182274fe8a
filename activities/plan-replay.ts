/**
 * Plans a replay: checks everything the pipeline names, in one go, and stores what must never change afterwards (scope,
 * columns, upper bound, topic id, partition count, the source's snapshot). Running it twice stores the first plan.
 */
import { countWith } from '../contracts/count-words.ts';
import type { TableShape } from '../contracts/columns.ts';
import { randomBytes } from 'node:crypto';
import { LANE_MODULUS } from '../contracts/messages.ts';
import { schemaName } from '../contracts/manifest.ts';
import { datasetOf, type PipelineSpec } from '../contracts/pipeline.ts';
import type { RedriveRequest, ReplayInput } from '../contracts/temporal.ts';
import { fault, type Fault, isFault, messageOf } from '../contracts/errors.ts';
import { partitionFaults } from '../formats/partition-folder.ts';
import { schemaBytes, schemaVersion } from '../formats/schema-version.ts';
import { findBounds } from './key-bounds.ts';
import { checkColumns, goneColumns } from './known-columns.ts';
import type { ObjectStore } from './ports/object-store.ts';
import type { PlannedReplay, Replays } from './ports/replays.ts';
import type { OpenSource, Source } from './ports/source.ts';
import type { TopicAdmin, TopicSettings } from './ports/topic.ts';
import type { OpenWarehouse, Warehouse } from './ports/warehouse.ts';
import { claimKeys, type RedrivePorts } from './redrive-plan.ts';
import { describeSource, requireShortKey, sourceTable } from './source-table.ts';
import { ownerOf, scopeFaults, warehouseTable } from './warehouse-table.ts';

/** Landing must have at least this long to pick a record up. */
const MIN_RETENTION_MS = 60 * 60 * 1000;

export interface PlanPorts extends RedrivePorts {
  topics: TopicAdmin;
  store: ObjectStore;
  openSource: OpenSource;
  openWarehouse: OpenWarehouse;
}

/** What the workflow needs to know of a plan. */
export interface PlanSummary {
  replayId: string;
  topicId: string;
  laneModulus: number;
  empty: boolean;
  nullEventRows: number;
  estimatedRows: number;
  /** Statements that gave the warehouse's table columns (`schemaChange: add`). */
  columnsAdded?: readonly string[];
}

export function createPlanReplay(ports: PlanPorts) {
  const { replays, topics, store, openSource, openWarehouse } = ports;
  return async function planReplay(input: ReplayInput & { workflowId: string }): Promise<PlanSummary> {
    const { spec, replayId } = input;
    const known = await requireSameReplay(replays, input);
    const source = openSource(spec.source.connection);
    const { table: name } = spec.source;

    // The source first: what the warehouse must hold follows from it. Then everything else, so that one message has all.
    const described = describeSource(source, spec.source);
    const found = await Promise.allSettled([
      described,
      described.then(({ shape }) => source.checkScope(sourceTable(input, shape), input.scope)),
      described.then(({ shape }) => checkPaced(source, input, shape)),
      described.then(({ shape }) => checkPartitions(spec.lake, shape)),
      store.probe(spec.lake.bucket, spec.lake.prefix),
      checkTopic(topics, spec.topic.name),
      checkOwners(replays, topics, spec),
      described.then(({ shape }) => checkColumns(replays, spec, shape)),
      Promise.resolve(input).then(requireScope),
      described.then(({ shape }) => checkTarget(replays, openWarehouse(spec.warehouse.connection), input, shape)),
    ]);
    throwTogether(
      spec.name,
      found.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : [])),
    );
    const { shape, estimatedRows } = await described;
    const order = input.speed === undefined ? null : orderOf(spec, shape);
    const table = sourceTable({ spec, order }, shape);

    // Nothing has been changed anywhere up to here.
    const warehouse = openWarehouse(spec.warehouse.connection);
    const columnsAdded = await warehouse.ensureTable(warehouseTable(spec, shape), ownerOf(spec));
    const facts = await topics.ensure(spec.topic.name, spec.topic.partitions);
    const dataset = datasetOf(spec.lake);
    requireOwner(spec, 'topic', spec.topic.name, await replays.own('topic', facts.topicId, spec.name));
    requireOwner(spec, 'dataset', dataset, await replays.own('dataset', dataset, spec.name));
    // Before the first row is sent: whatever expires before it is landed is missed from here on.
    const starts = await topics.logStarts(spec.topic.name, facts.partitions);
    await replays.startManifest(dataset, spec.topic.name, facts.topicId, starts);
    const partitions = await replays.hashPartitions(
      spec.name,
      facts.topicId,
      Math.min(spec.topic.partitions, facts.partitions),
    );
    const version = schemaVersion(shape);
    await replays.saveSchema(dataset, version, shape);
    // In the lake as well, before a record of it is sent: a lake outlives a control database (headrace recover).
    await store.putBytesIfAbsent(spec.lake.bucket, schemaName(spec.lake.prefix, version), schemaBytes(shape));
    // The snapshot is read before the upper bound: whatever it cannot see has changed after the replay began.
    const sourceSnapshot = await source.snapshot();
    const claim = (redrive: RedriveRequest) => claimKeys(ports, { spec, replayId, redrive }, source, table);
    const scope = input.redrive ? { keys: known?.scope.keys ?? (await claim(input.redrive)) } : input.scope;
    const { afterKey, upperKey, rows } = await findBounds(source, table, scope, estimatedRows);
    if (upperKey !== null) requireShortKey(name, upperKey);
    const planned: PlannedReplay = {
      replayId,
      nonce: randomBytes(8).toString('hex'),
      pipeline: spec.name,
      workflowId: input.workflowId,
      spec,
      scope,
      shape,
      schemaVersion: version,
      topicId: facts.topicId,
      partitions,
      // In one order of time there is one lane.
      laneModulus: order === null ? LANE_MODULUS : 1,
      ...{ order, afterKey, upperKey },
      estimatedRows: rows ?? estimatedRows,
      nullEventRows: scope.keys ? 0 : await source.countNullEventTime(table),
      sourceSnapshot,
    };
    const stored = await replays.plan(planned);
    await requireSameReplay(replays, input); // another may have been planned under that id just now
    return {
      replayId,
      topicId: stored.topicId,
      laneModulus: stored.laneModulus,
      empty: stored.upperKey === null,
      nullEventRows: stored.nullEventRows,
      estimatedRows,
      ...(columnsAdded.length === 0 ? {} : { columnsAdded }),
    };
  };
}

/** A replay id names one replay for good: the same pipeline, table, topic, dataset and scope. @throws Fault ConfigInvalid */
async function requireSameReplay(
  replays: Replays,
  { spec, replayId, scope, redrive, speed }: ReplayInput,
): Promise<PlannedReplay | null> {
  const found = await replays.find(replayId);
  if (!found) return null;
  const facts = (of: Pick<PlannedReplay, 'spec' | 'scope'>, byTime: boolean) =>
    JSON.stringify([
      of.spec.name,
      of.spec.source.connection,
      of.spec.source.table.schema,
      of.spec.source.table.table,
      of.spec.topic.name,
      datasetOf(of.spec.lake),
      of.scope.from ?? null,
      of.scope.to ?? null,
      of.scope.where ?? null,
      of.scope.limit ?? null,
      of.scope.keys !== undefined,
      byTime,
    ]);
  const wanted = redrive ? { ...scope, keys: [] } : scope;
  if (facts(found, found.order !== null) === facts({ spec, scope: wanted }, speed !== undefined)) return found;
  throw fault(
    'ConfigInvalid',
    `replay id ${replayId} belongs to a replay of pipeline ${found.pipeline} with another table, topic, lake, window or order; choose another --replay-id`,
  );
}

/** Chunks of a replay that is paced by event time are ranges of (event time, key). */
function orderOf({ source: { eventTime = '' } }: PipelineSpec, { key }: TableShape): string[] {
  return [eventTime, ...key.filter((name) => name !== eventTime)];
}

/** @throws Fault ConfigInvalid where rows have no place on the clock */
async function checkPaced(source: Source, { spec, scope, speed }: ReplayInput, shape: TableShape): Promise<void> {
  if (speed === undefined) return;
  const { eventTime } = spec.source;
  if (eventTime === undefined)
    throw fault('ConfigInvalid', 'a speed needs source.eventTime in the pipeline file: the column that paces it');
  const nulls = await source.countNullEventTime(sourceTable({ spec }, shape), scope);
  if (nulls === 0) return;
  throw fault(
    'ConfigInvalid',
    `${countWith(nulls, 'row', 'has', 'have')} no ${eventTime}, so a replay paced by it has no moment for them; leave them out (--where '${eventTime} IS NOT NULL'), and replay them without --speed`,
  );
}

function checkPartitions(lake: PipelineSpec['lake'], shape: TableShape): void {
  const faults = partitionFaults(lake, shape);
  if (faults.length > 0) throw fault('ConfigInvalid', faults.join('; '));
}

/** @throws Fault ConfigInvalid where the topic or the dataset belongs to another pipeline; changes nothing */
export async function checkOwners(
  replays: Pick<Replays, 'ownerOf'>,
  topics: TopicAdmin,
  spec: PipelineSpec,
): Promise<void> {
  const dataset = datasetOf(spec.lake);
  const topicId = (await topics.describe(spec.topic.name))?.topicId;
  const topicOwner = topicId === undefined ? null : await replays.ownerOf('topic', topicId);
  requireOwner(spec, 'topic', spec.topic.name, topicOwner ?? spec.name);
  requireOwner(spec, 'dataset', dataset, (await replays.ownerOf('dataset', dataset)) ?? spec.name);
}

function requireOwner(spec: PipelineSpec, what: 'topic' | 'dataset', name: string, owner: string): void {
  if (owner === spec.name) return;
  const setting = what === 'topic' ? 'topic.name' : 'lake.prefix';
  throw fault(
    'ConfigInvalid',
    `${what} ${name} belongs to pipeline ${owner}; give pipeline ${spec.name} another ${setting}`,
  );
}

function requireScope({ spec, scope, redrive }: ReplayInput): void {
  const [first] = scopeFaults(spec, scope, redrive !== undefined);
  if (first !== undefined) throw fault('ConfigInvalid', first);
}

async function checkTarget(
  replays: Replays,
  warehouse: Warehouse,
  { spec }: ReplayInput,
  shape: TableShape,
): Promise<void> {
  const gone = await goneColumns(replays, spec, shape);
  const { faults } = await warehouse.planTable({ ...warehouseTable(spec, shape), gone }, ownerOf(spec));
  const { schema, table } = spec.warehouse.table;
  if (faults.length > 0) {
    throw fault('TableUnsuited', `warehouse table ${schema}.${table} cannot be loaded:\n  - ${faults.join('\n  - ')}`);
  }
}

async function checkTopic(topics: TopicAdmin, topic: string): Promise<void> {
  if (!(await topics.describe(topic))) return;
  const faults = topicFaults(await topics.settings(topic));
  if (faults.length > 0) throw fault('TopicUnsuited', `topic ${topic} cannot be used:\n  - ${faults.join('\n  - ')}`);
}

export function topicFaults(settings: TopicSettings): string[] {
  const faults: string[] = [];
  if (settings.cleanupPolicy.includes('compact')) {
    faults.push(
      `cleanup.policy is ${settings.cleanupPolicy}: compaction removes records before they are landed; set it to delete`,
    );
  }
  if (settings.retentionMs >= 0 && settings.retentionMs < MIN_RETENTION_MS) {
    faults.push(
      `retention.ms is ${settings.retentionMs}: landing needs at least ${MIN_RETENTION_MS} (an hour); raise it`,
    );
  }
  return faults;
}

/** One fault for all: what only a person can mend comes before what a retry may. */
function throwTogether(pipeline: string, reasons: readonly unknown[]): void {
  const distinct = [...new Set(reasons)];
  if (distinct.length === 0) return;
  const faults = distinct.map((reason): Fault =>
    isFault(reason) ? reason : fault('Unexpected', messageOf(reason), reason),
  );
  const final = faults.filter((each) => !each.retry);
  const first = final[0] ?? faults[0];
  // Several looks may meet the same: one service that is away.
  const told = final.length > 0 ? final : faults;
  const shown = told.filter(({ message }, index) => told.findIndex((other) => other.message === message) === index);
  if (!first || shown.length === 1) throw first ?? fault('Unexpected', `pipeline ${pipeline} cannot be planned`);
  throw fault(
    first.code,
    `pipeline ${pipeline} cannot run:\n- ${shown.map((each) => each.message).join('\n- ')}`,
    first,
  );
}
