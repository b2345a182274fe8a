/** Short ways to write shapes and CSV in tests. */
import { writeFile } from 'node:fs/promises';
import type { Column, ColumnType, TableShape } from '../../contracts/columns.ts';

export function column(
  name: string,
  kind: Exclude<ColumnType['kind'], 'decimal' | 'char' | 'array'>,
  sqlType: string,
): Column {
  return { name, type: { kind }, nullable: true, sqlType };
}

export const SALES: TableShape = {
  columns: [
    { ...column('id', 'int64', 'bigint'), nullable: false },
    column('name', 'text', 'text'),
    { name: 'price', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, sqlType: 'numeric(12,2)' },
    column('info', 'json', 'json'),
  ],
  key: ['id'],
};

/** COPY's csv: a value quoted, NULL as the adapter has it. */
export async function writeCsv(
  path: string,
  rows: readonly (readonly (string | null)[])[],
  csvNull = '',
): Promise<void> {
  const field = (value: string | null): string => (value === null ? csvNull : `"${value.replaceAll('"', '""')}"`);
  await writeFile(path, rows.map((row) => `${row.map(field).join(',')}\n`).join(''));
}
