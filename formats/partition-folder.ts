/**
 * Folders of partitioned lakes, as Hive and all that came after it read them: `country=US/transaction_date_day=2024-03-01/`
 * (names of time fields as Iceberg makes them). A folder is for finding files; the values themselves stay in the files' columns.
 * Guarantees: ASCII, no slash and no dot segment whatever the value is; two texts have one folder only where both are
 * empty or NULL.
 */
import { createHash } from 'node:crypto';
import type { ColumnType, TableShape } from '../contracts/columns.ts';
import type { LakeLayout, PartitionField } from '../contracts/pipeline.ts';

/** Hive's name for NULL and for an empty text. */
export const NO_VALUE = '__HIVE_DEFAULT_PARTITION__';
/** More files than that of one cut are a mistake in partitionBy: each costs a PUT, and none holds enough rows to be worth it. */
export const MAX_FOLDERS_A_CUT = 200;
/** Of a name or a value in a folder; S3 takes 1,024 bytes for a whole name. Longer ones are cut, with a hash of the whole behind. */
export const MAX_PART_LENGTH = 80;
const HASH_DIGITS = 16;

/** @param texts of the fields' values, in their order */
export function partitionFolder(fields: readonly PartitionField[], texts: readonly (string | null)[]): string {
  return fields.map((field, i) => `${safe(fieldName(field))}=${valuePart(texts[i] ?? null)}/`).join('');
}

/** As a pipeline file says it. */
export function fieldText({ column, by }: PartitionField): string {
  return by === undefined ? column : `${by}(${column})`;
}

function fieldName({ column, by }: PartitionField): string {
  return by === undefined ? column : `${column}_${by}`;
}

function valuePart(text: string | null): string {
  if (text === null || text === '') return NO_VALUE;
  // Only a text that says so could be taken for it; %5F is its first underscore.
  return text === NO_VALUE ? `%5F${NO_VALUE.slice(1)}` : safe(text);
}

/** Percent-encoded but for letters, digits, `-`, `_` and `.`; cut to MAX_PART_LENGTH, between characters. */
function safe(text: string): string {
  const parts = Array.from(text, (character) => (/[A-Za-z0-9._-]/.test(character) ? character : percent(character)));
  if (parts.reduce((length, part) => length + part.length, 0) <= MAX_PART_LENGTH) return parts.join('');
  // `~` is encoded everywhere else, so that no other value has this name.
  const hash = `~${createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS)}`;
  let cut = '';
  for (const part of parts) {
    if (cut.length + part.length + hash.length > MAX_PART_LENGTH) break;
    cut += part;
  }
  return cut + hash;
}

function percent(character: string): string {
  return Buffer.from(character).toString('hex').toUpperCase().replaceAll(/../g, '%$&');
}

const VALUE_KINDS = ['int16', 'int32', 'int64', 'boolean', 'decimal', 'text', 'char', 'date', 'uuid'];
const TIME_KINDS = ['date', 'timestamp', 'timestamptz'];

/** Why a table cannot be parted so; one reason a field. */
export function partitionFaults({ partitionBy = [] }: Pick<LakeLayout, 'partitionBy'>, shape: TableShape): string[] {
  return partitionBy.flatMap((field) => {
    const { column, by } = field;
    const found = shape.columns.find(({ name }) => name === column);
    const what = `lake.partitionBy: ${fieldText(field)}`;
    if (!found) return [`${what}: the table has no column "${column}"`];
    const fault = unsuited(found.type, by);
    return fault === null ? [] : [`${what}: column "${column}" is ${found.sqlType}; ${fault}`];
  });
}

function unsuited({ kind }: ColumnType, by: PartitionField['by']): string | null {
  if (by === undefined) {
    if (VALUE_KINDS.includes(kind)) return null;
    return TIME_KINDS.includes(kind)
      ? 'part it by year(), month(), day() or hour()'
      : 'allowed are text, whole numbers, decimals, booleans, dates and uuids';
  }
  if (kind === 'date' && by === 'hour') return 'a date has no hour; use day()';
  return TIME_KINDS.includes(kind) ? null : `${by}() is for dates and timestamps`;
}
