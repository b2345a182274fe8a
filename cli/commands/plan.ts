/** `headrace plan FILE`: what a run would do, and all that stands in its way; changes nothing anywhere. */
import { countText, numberText } from '../../contracts/count-words.ts';
import type { PlanLook } from '../../contracts/inspect.ts';
import type { CommonOptions } from '../common-options.ts';
import { configurationFor } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { withInspector } from '../inspection.ts';
import { bytesText, outputFor, secondsText, tableText } from '../output.ts';
import { requireReachable, serviceAddresses } from '../../workers/reachable.ts';
import { scopeText } from '../../contracts/scope-words.ts';
import { requirePaced, scopeOf, type WindowOptions } from '../scope-options.ts';
import { jsonWord, parquetWord } from '../type-words.ts';

export async function runPlan(
  file: string,
  options: CommonOptions & WindowOptions & { speed?: number },
): Promise<void> {
  const output = outputFor(options);
  const { settings, spec, replay } = configurationFor(file, options);
  await options.companions?.turn();
  const scope = scopeOf(spec, options, replay);
  const { speed = replay.speed } = options;
  requirePaced(spec, speed);
  await requireReachable(serviceAddresses(settings, spec));
  const plan = await withInspector(settings, output, (inspector) => inspector.readPlan(spec, scope, speed));
  const document = { ...plan, types: typesOf(plan), scope, ok: plan.faults.length === 0 };
  output.result(document, () => planText(plan, scopeText(scope)));
  if (plan.faults.length > 0) process.exitCode = EXIT.usage;
}

/** Each column's type from hop to hop. */
function typesOf({ shape, lake, warehouse }: PlanLook) {
  return shape.columns.map((column) => ({
    column: column.name,
    source: (column.native ?? column.sqlType) + (column.nullable ? '' : ' not null'),
    json: jsonWord(column.type),
    parquet: { csv: 'text', jsonl: jsonWord(column.type), parquet: parquetWord(column.type) }[lake.format],
    warehouse: warehouse.types[column.name] ?? '',
    key: shape.key.includes(column.name),
  }));
}

/** @param scope in words; null: the whole table */
function planText(plan: PlanLook, scope: string | null): string {
  const { topic, lake, warehouse } = plan;
  const known = plan.shape.columns.length > 0;
  const guess =
    plan.scopeRows === null ? 'nobody knows how many' : `about ${numberText(plan.scopeRows)}, the server guesses,`;
  const rows = `about ${countText(plan.estimatedRows, 'row')}${scope === null ? '' : ` in the whole table, ${guess} in the window and the filter`}`;
  const chunks = `about ${countText(plan.chunks, 'chunk')} of ${numberText(plan.chunkRows)} keys`;
  const size =
    plan.estimatedRows > 0 ? `${rows}, ${chunks}` : 'no estimate of its rows: it is empty, or was not analyzed yet';
  const rotation = `${numberText(lake.records)} records, ${bytesText(lake.bytes)} or ${secondsText(lake.ageMs / 1000)}`;
  const parts = lake.partitionBy.length === 0 ? '' : `, by ${lake.partitionBy.join(', ')}`;
  const facts = [
    ['source', `${plan.table}: ${known ? size : 'cannot be read as it is'}`],
    ...(scope === null ? [] : [['scope', scope]]),
    ['topic', `${topic.name}: ${thereText(topic)}, ${countText(topic.partitions, 'partition')}`],
    ['lake', `${lake.dataset}: ${lake.extension}, an object a partition every ${rotation}${parts}`],
    ['warehouse', `${warehouse.table}: ${thereText(warehouse)}`],
  ];
  const types = typesOf(plan).map(({ column, source, json, parquet, warehouse: target, key }) => [
    key ? `${column} (key)` : column,
    source,
    json,
    parquet,
    target,
  ]);
  const told = [`pipeline ${plan.pipeline}`, tableText([], facts)];
  if (types.length > 0) told.push(tableText(['column', 'source', 'JSON', lake.format, 'warehouse'], types));
  if (warehouse.ddl.length > 0) told.push(warehouse.ddl.join(';\n') + ';');
  if (plan.warnings.length > 0) told.push(`To know:\n${plan.warnings.map((warning) => `- ${warning}`).join('\n')}`);
  if (plan.faults.length > 0) told.push(`It cannot run:\n${plan.faults.map((fault) => `- ${fault}`).join('\n')}`);
  else told.push('Nothing stands in its way; nothing was changed.');
  return told.join('\n\n');
}

function thereText({ exists }: { exists: boolean | null }): string {
  if (exists === null) return 'was not looked at';
  return exists ? 'is there' : 'will be made';
}
