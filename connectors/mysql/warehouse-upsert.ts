/** The upsert: a staged row is written where its key is new or a column differs, and only there. */
import type { WarehouseTable } from '../../activities/ports/warehouse.ts';
import { quoteName, quoteTable } from './sql-text.ts';

/**
 * One INSERT … SELECT … ON DUPLICATE KEY UPDATE. In the key's order, as neighbours share pages. A row that is as it was is neither written nor logged: the server compares
 * the whole row, byte by byte, whatever its columns' collations. Without a key it is an INSERT: each record is a row.
 * @param stage a table with the shape's columns, quoted; @param where over it
 */
export function upsertStatement(stage: string, { name, shape }: WarehouseTable, where = 'TRUE'): string {
  const names = shape.columns.map((column) => quoteName(column.name)).join(', ');
  const others = shape.columns.filter((column) => !shape.key.includes(column.name));
  const insert = `INSERT INTO ${quoteTable(name)} (${names}) SELECT ${names} FROM ${stage} WHERE ${where}`;
  const key = shape.key.map(quoteName);
  const [first] = key;
  if (first === undefined) return insert;
  // Columns of the key alone: nothing to change, but a duplicate must be no error.
  const set = others.length === 0 ? [`${first} = VALUES(${first})`] : others.map(({ name: column }) => setTo(column));
  return `${insert} ORDER BY ${key.join(', ')} ON DUPLICATE KEY UPDATE ${set.join(', ')}`;
}

/** Rows of the target whose keys are not staged. As a join: a temporary table may stand in a statement once only. */
export function deleteOthers(stage: string, { name, shape }: WarehouseTable): string {
  const keys = shape.key.map(quoteName);
  const same = keys.map((key) => `s.${key} = t.${key}`).join(' AND ');
  return `DELETE t FROM ${quoteTable(name)} AS t LEFT JOIN ${stage} AS s ON ${same} WHERE s.${keys[0] ?? ''} IS NULL`;
}

function setTo(column: string): string {
  return `${quoteName(column)} = VALUES(${quoteName(column)})`;
}
