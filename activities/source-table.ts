/** The source table as a pipeline names it, and the bound of its keys. */
import type { Key, TableName } from '../contracts/columns.ts';
import { fault } from '../contracts/errors.ts';
import type { ReplayInput } from '../contracts/temporal.ts';
import type { PlannedReplay } from './ports/replays.ts';

export function sourceTable(input: Pick<ReplayInput, 'spec'>, shape: PlannedReplay['shape']) {
  const { table: name, eventTime } = input.spec.source;
  return { name, shape, ...(eventTime === undefined ? {} : { eventTime }) };
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
