/**
 * Finds what a lost control database knew of a dataset, from the lake's objects, the warehouse's ledger and the topic.
 * Changes nothing anywhere. What the manifest must hold afterwards: from `logStart` to `next` of each partition every offset
 * is in one sealed cut, or marked lost; landing goes on at `next`, loading where the ledger stands.
 */
import type { TableShape } from '../contracts/columns.ts';
import { isFault, messageOf } from '../contracts/errors.ts';
import { datasetOf, type PipelineSpec } from '../contracts/pipeline.ts';
import { chooseChain, type Range } from '../formats/object-chain.ts';
import { schemaVersion } from '../formats/schema-version.ts';
import { findTopic } from './land-topic.ts';
import { type FoundLake, readLakeObjects } from './recover-lake.ts';
import type {
  Findings,
  FoundObject,
  PartitionPlan,
  RecoverPorts,
  RecoverRequest,
  SeenReplay,
} from './recover-ports.ts';
import { assumed, planPartition, type PresentShape, withLetters } from './recover-plan.ts';
import { reportOf } from './recover-report.ts';
import { describeSource } from './source-table.ts';
import { countRecords, hashedOver, type ReadPlace } from './recover-topic.ts';

/** @throws Fault of a service that does not answer; what stands in the way otherwise is in the report */
export async function findManifest(ports: RecoverPorts, request: RecoverRequest): Promise<Findings> {
  const { spec } = request;
  const dataset = datasetOf(spec.lake);
  const place: ReadPlace = { openReader: ports.openReader, topic: spec.topic.name, dataset };
  const [lake, topic, present, known] = await Promise.all([
    readLakeObjects(ports.store, spec.lake),
    findTopic(ports.topicAdmin, spec.topic.name),
    presentShape(ports, spec),
    ports.recovery.knows(dataset),
  ]);
  const logs = topic ? await readLogs(ports, spec.topic.name, topic.partitions) : new Map<number, Range>();
  const { partitions, setAside } = await planPartitions(ports, spec, lake, topic?.topicId ?? null, logs);
  const replays = new Map<string, SeenReplay>();
  for (const plan of partitions) await lookIntoTopic(place, plan, replays);

  const objects = partitions.flatMap(({ chain }) => chain);
  const wanted = new Set(objects.map((object) => object.schemaVersion ?? assumed(request, present)));
  for (const { schemaVersions } of replays.values()) for (const version of schemaVersions) wanted.add(version);
  wanted.delete('');
  const schemas = orderSchemas(wanted, lake, present, objects);
  const usual = Math.min(spec.topic.partitions, topic?.partitions ?? spec.topic.partitions);
  const hashed = await hashedOver(place, logs, usual);
  const found = {
    request,
    dataset,
    topicId: topic?.topicId ?? null,
    partitions,
    replays,
    schemas,
    hashPartitions: hashed ?? usual,
  };
  const more = { lake, setAside, known, wanted: [...wanted], present, hashed };
  return { ...found, report: reportOf(found, more) };
}

async function presentShape(ports: RecoverPorts, { source }: PipelineSpec): Promise<PresentShape> {
  try {
    const { shape } = await describeSource(ports.openSource(source.connection), source);
    return { version: schemaVersion(shape), shape, trouble: '' };
  } catch (error) {
    if (!isFault(error)) throw error;
    return { version: '', shape: null, trouble: messageOf(error) };
  }
}

async function readLogs(ports: RecoverPorts, topic: string, partitions: number): Promise<Map<number, Range>> {
  const [starts, ends] = await Promise.all([
    ports.topicAdmin.logStarts(topic, partitions),
    ports.topicAdmin.highWatermarks(topic, partitions),
  ]);
  return new Map(
    Array.from({ length: partitions }, (_, p) => [p, { start: starts[p] ?? 0, end: ends[p] ?? 0 }] as const),
  );
}

/** Topic by topic, the one with the oldest object first, the present one last. */
async function planPartitions(
  ports: RecoverPorts,
  spec: PipelineSpec,
  lake: FoundLake,
  present: string | null,
  logs: ReadonlyMap<number, Range>,
): Promise<{ partitions: PartitionPlan[]; setAside: string[] }> {
  const byAge = [...lake.objects].sort((a, b) => a.modifiedAt - b.modifiedAt);
  const topicIds = [...new Set(byAge.map(({ topicId }) => topicId))].filter((id) => id !== present);
  if (present !== null) topicIds.push(present);
  const { afterLoad } = spec.lake;
  const expires = afterLoad !== undefined && 'expireAfterMs' in afterLoad;
  const warehouse = ports.openWarehouse(spec.warehouse.connection);
  const partitions: PartitionPlan[] = [];
  const setAside: string[] = [...lake.incomplete];
  for (const topicId of topicIds) {
    const ledger = await warehouse.ledger(spec.warehouse.table, topicId);
    const objects = lake.objects.filter((object) => object.topicId === topicId);
    const numbers = new Set([
      ...objects.map(({ partition }) => partition),
      ...(topicId === present ? logs.keys() : []),
    ]);
    for (const partition of [...numbers].sort((a, b) => a - b)) {
      const { chain, aside } = chooseChain(objects.filter((object) => object.partition === partition));
      setAside.push(...aside.map(({ name }) => name));
      const log = topicId === present ? (logs.get(partition) ?? null) : null;
      partitions.push(planPartition({ topicId, partition }, chain, ledger.get(partition) ?? null, log, expires));
    }
  }
  return { partitions, setAside };
}

/** Counts what the topic has in the gaps, in ranges that have dead letters, and behind what is landed. */
async function lookIntoTopic(place: ReadPlace, plan: PartitionPlan, replays: Map<string, SeenReplay>): Promise<void> {
  const { partition, log } = plan;
  for (const gap of plan.gaps.filter(({ is }) => is === 'read')) {
    gap.records = await countRecords(place, partition, gap, replays);
    if (gap.records === 0) gap.is = 'empty';
  }
  if (log === null) return;
  for (const object of withLetters(plan)) await countRecords(place, partition, object, replays);
  await countRecords(place, partition, { start: Math.max(plan.next, log.start), end: log.end }, replays);
}

/** Those with known columns, the one that was seen first first. */
function orderSchemas(
  wanted: ReadonlySet<string>,
  lake: FoundLake,
  present: PresentShape,
  objects: readonly FoundObject[],
): { version: string; shape: TableShape }[] {
  const found = lake.schemas.filter(({ version }) => wanted.has(version));
  if (present.shape && wanted.has(present.version) && !found.some(({ version }) => version === present.version)) {
    const seen = objects
      .filter((object) => object.schemaVersion === present.version)
      .map(({ modifiedAt }) => modifiedAt);
    const since = seen.reduce((least, at) => Math.min(least, at), Infinity);
    found.push({ version: present.version, shape: present.shape, since });
  }
  return found.sort((a, b) => (a.since < b.since ? -1 : 1)).map(({ version, shape }) => ({ version, shape }));
}
