/**
 * A lake file's first rows as parquetjs-lite reads them: an independent second reader of what DuckDB wrote. Values are shown as
 * it hands them out, so what it reads otherwise than it was written is seen (docs/lake.md lists it). What it cannot read is
 * refused with the reason before it tries: its own errors name neither the column nor the way out.
 */
import parquet from 'parquetjs-lite';
import type { LakeFile, ShownRow } from '../../activities/ports/lake-files.ts';
import type { Column } from '../../contracts/columns.ts';
import { fault, messageOf } from '../../contracts/errors.ts';
import { lakeType } from '../../formats/lake-types.ts';

/** @throws Fault ConfigInvalid where parquetjs-lite cannot read the file */
export async function firstRows(file: LakeFile, columns: readonly Column[], limit: number): Promise<ShownRow[]> {
  const reason = unreadable(file, columns);
  if (reason !== null) throw refused(file, reason);
  const shown: ShownRow[] = [];
  try {
    const reader = await parquet.ParquetReader.openFile(file.path);
    try {
      const cursor = reader.getCursor();
      for (let row = await cursor.next(); row !== null && shown.length < limit; row = await cursor.next()) {
        const offset = Number(row['_offset']);
        if (offset < file.fromOffset || offset >= file.toOffset) continue;
        shown.push(Object.fromEntries(Object.entries(row).map(([name, value]) => [name, valueText(value)])));
      }
    } finally {
      await reader.close();
    }
  } catch (error) {
    throw refused(file, messageOf(error), error);
  }
  const names = [...columns.map(({ name }) => name), '_replay', '_chunk', '_partition', '_offset'];
  // It leaves a NULL's field out.
  return shown.map((row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null])));
}

function unreadable({ form }: LakeFile, columns: readonly Column[]): string | null {
  if (form !== undefined && form.format !== 'parquet')
    return `it is ${form.format}, and parquetjs-lite reads Parquet only`;
  if (form === undefined || form.compression === 'zstd') {
    return 'it is compressed with zstd, which parquetjs-lite does not have (lake.compression: snappy or none)';
  }
  const decimals = columns.filter(({ type }) => /DECIMAL/.test(lakeType(type))).map(({ name }) => `"${name}"`);
  if (decimals.length === 0) return null;
  return `parquetjs-lite does not know decimals and refuses the whole file for the columns ${decimals.join(', ')}`;
}

function refused(file: LakeFile, reason: string, cause?: unknown): Error {
  const name = file.object ?? file.path;
  return fault('ConfigInvalid', `parquetjs cannot read ${name}: ${reason}; use --reader duckdb (docs/lake.md)`, cause);
}

function valueText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return value;
  if (value instanceof Date) return value.toISOString();
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`;
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}
