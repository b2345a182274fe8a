/** `headrace plan`: what a run would do, looked up in every service and changed in none; what does not answer is a fault, too. */
import type { SourceTable } from '../activities/ports/source.ts';
import { checkColumns, goneColumns } from '../activities/known-columns.ts';
import { checkOwners, topicFaults } from '../activities/plan-replay.ts';
import { describeSource, sourceTable } from '../activities/source-table.ts';
import { ownerOf, scopeFaults, warehouseTable } from '../activities/warehouse-table.ts';
import type { Replays } from '../activities/ports/replays.ts';
import type { TopicAdmin } from '../activities/ports/topic.ts';
import { windowWarnings } from '../activities/window-warnings.ts';
import { openObjectStore } from '../connectors/s3/object-store.ts';
import { countText } from '../contracts/count-words.ts';
import { isFault, messageOf } from '../contracts/errors.ts';
import type { PlanLook } from '../contracts/inspect.ts';
import { extensionOf } from '../contracts/manifest.ts';
import { datasetOf, type PipelineSpec } from '../contracts/pipeline.ts';
import type { ReplayScope } from '../contracts/replay.ts';
import type { Settings } from '../contracts/settings.ts';
import { encoderSettings } from '../formats/encoder-settings.ts';
import { fieldText, partitionFaults } from '../formats/partition-folder.ts';
import { connectionOf } from './config/index.ts';
import { openSource, openWarehouse, tableWordsOf } from './databases.ts';

/** That the bucket is there and may be listed; a replay's own plan probes whether it may be written, too. */
async function lookAtLake({ s3 }: Settings, { lake }: PipelineSpec): Promise<void> {
  const store = openObjectStore(s3);
  try {
    for await (const _ of store.list(lake.bucket, `${lake.prefix}/`)) break;
  } finally {
    store.close();
  }
}

/** A topic keeps the partitions that it has: rows of a key stay in theirs. */
function partitionWarnings({ name, partitions }: PipelineSpec['topic'], there: number): string[] {
  if (there === partitions) return [];
  return [
    `topic ${name} has ${countText(there, 'partition')}, not the ${partitions} of topic.partitions: it keeps what it has, and rows of a key their partition`,
  ];
}

/** What a run of the pipeline would do, and what is against it: all faults of all services at once. */
export async function readPlan(
  settings: Settings,
  topics: TopicAdmin,
  replays: Replays,
  spec: PipelineSpec,
  scope: ReplayScope,
  speed: number | undefined,
): Promise<PlanLook> {
  const from = connectionOf(settings, spec.source.connection);
  const source = openSource(from);
  const to = connectionOf(settings, spec.warehouse.connection);
  const warehouse = openWarehouse(to);
  const shown = tableWordsOf(from, spec.source.table, spec.source.eventTime);
  const faults: string[] = [];
  const passing: string[] = [];
  const note = (error: unknown): null => {
    faults.push(messageOf(error));
    if (!isFault(error) || error.retry) passing.push(messageOf(error));
    return null;
  };
  try {
    const described = await describeSource(source, spec.source).catch(note);
    const table: SourceTable | null = described && sourceTable({ spec }, described.shape);
    const usable = table === null || (await source.checkScope(table, scope).then(() => true, note)) !== null;
    const isScoped = Object.keys(scope).length > 0 || speed !== undefined;
    const window = table && usable && isScoped ? await source.lookAtWindow(table, scope).catch(note) : null;
    faults.push(...scopeFaults(spec, scope));
    if (described) faults.push(...partitionFaults(spec.lake, described.shape));
    const facts = await topics.describe(spec.topic.name).catch((error: unknown) => void note(error));
    if (facts) {
      const found = topicFaults(await topics.settings(spec.topic.name));
      faults.push(...found.map((text) => `topic ${spec.topic.name}: ${text}`));
    }
    await checkOwners(replays, topics, spec).catch(note);
    if (described) await checkColumns(replays, spec, described.shape).catch(note);
    await lookAtLake(settings, spec).catch(note);
    const shape = described?.shape ?? { columns: [], key: [] };
    const gone = described && (await goneColumns(replays, spec, shape).catch(note));
    const target = { ...warehouseTable(spec, shape), gone: gone ?? [] };
    const fit = described && (await warehouse.planTable(target, ownerOf(spec)).catch(note));
    faults.push(...(fit?.faults ?? []));
    const estimatedRows = described?.estimatedRows ?? 0;
    return {
      pipeline: spec.name,
      table: shown.table,
      estimatedRows,
      scopeRows: window?.rows ?? null,
      warnings: [
        ...(table && window ? windowWarnings(table, scope, speed, window, shown) : []),
        ...(facts ? partitionWarnings(spec.topic, facts.partitions) : []),
      ],
      chunks: Math.ceil(estimatedRows / spec.source.chunkRows),
      chunkRows: spec.source.chunkRows,
      shape,
      topic: {
        name: spec.topic.name,
        exists: facts === undefined ? null : facts !== null,
        partitions: facts?.partitions ?? spec.topic.partitions,
        topicId: facts?.topicId ?? null,
      },
      lake: {
        dataset: datasetOf(spec.lake),
        format: spec.lake.format,
        extension: extensionOf(encoderSettings(spec.lake)),
        partitionBy: (spec.lake.partitionBy ?? []).map(fieldText),
        ...spec.lake.rotate,
      },
      warehouse: {
        table: tableWordsOf(to, spec.warehouse.table).table,
        exists: fit?.exists ?? null,
        ddl: fit?.ddl ?? [],
        types: fit?.types ?? {},
      },
      faults,
      passing,
    };
  } finally {
    await Promise.all([source.close(), warehouse.close()]);
  }
}
