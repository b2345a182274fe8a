/** The source table as a pipeline names it, and the bound of its keys. */
import type { Key, TableName } from '../contracts/columns.ts';
import { fault } from '../contracts/errors.ts';
import type { PipelineSpec } from '../contracts/pipeline.ts';
import type { ReplayInput } from '../contracts/temporal.ts';
import type { PlannedReplay } from './ports/replays.ts';
import type { Source, SourceTable } from './ports/source.ts';

export function sourceTable(
  { spec, order }: Pick<ReplayInput, 'spec'> & { order?: readonly string[] | null },
  shape: PlannedReplay['shape'],
): SourceTable {
  const { table: name, eventTime } = spec.source;
  return {
    ...{ name, shape },
    ...(eventTime === undefined ? {} : { eventTime }),
    ...(order === undefined || order === null ? {} : { order }),
  };
}

/** The table's columns, its key and a guess of its rows. @throws Fault TableMissing, TableUnsuited */
export function describeSource(
  source: Pick<Source, 'describe'>,
  { table, key, eventTime, columns }: PipelineSpec['source'],
): ReturnType<Source['describe']> {
  return source.describe(table, key, eventTime, columns);
}

/** A lane's progress holds its last key, and Kafka's offset metadata takes 4,096 bytes in all. */
const MAX_KEY_BYTES = 3_000;

/** @throws Fault TableUnsuited */
export function requireShortKey({ schema, table }: TableName, key: Key): void {
  const bytes = Buffer.byteLength(JSON.stringify(key));
  if (bytes <= MAX_KEY_BYTES) return;
  throw fault(
    'TableUnsuited',
    `table ${schema}.${table} has a key of ${bytes} bytes (${JSON.stringify(key).slice(0, 80)}…); at most ${MAX_KEY_BYTES} fit a transaction's progress: choose a shorter unique key in source.key`,
  );
}
