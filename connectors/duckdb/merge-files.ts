/**
 * Several lake files to one. Guarantees: the same rows, compared after they were written, lineage and overflow included; the
 * originals are removed some day, so that it is not enough to trust the writer.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { EncodedFile, LakeFile } from '../../activities/ports/lake-files.ts';
import type { Column } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import type { EncoderSettings } from '../../contracts/manifest.ts';
import { text } from './hash-sums.ts';
import { type DuckDb, rows } from './instance.ts';
import { lakeQuery } from './lake-rows.ts';
import { readLake } from './read-lake.ts';
import { writeRows } from './write-rows.ts';

/** @param files one at least, of one partition */
export async function mergeFiles(
  duckdb: DuckDb,
  files: readonly LakeFile[],
  columns: readonly Column[],
  settings: EncoderSettings,
  directory: string,
): Promise<EncodedFile> {
  const { partitionBy: _folders, timeZone: _zone, ...oneFile } = settings;
  return readLake(duckdb, files, columns, settings.format, async (connection, query) => {
    const [made] = await writeRows(connection, query, columns, oneFile, join(directory, randomUUID()));
    if (made === undefined) throw fault('Unexpected', 'no file came of a merge');
    const partition = files[0]?.partition ?? 0;
    const whole = { path: made.path, partition, fromOffset: 0, toOffset: Number.MAX_SAFE_INTEGER, form: oneFile };
    const before = await fingerprint(connection, query);
    const after = await fingerprint(connection, lakeQuery([whole], columns, settings.format));
    if (before === after) return made;
    const names = `${files[0]?.object ?? ''} to ${files.at(-1)?.object ?? ''}`;
    throw fault(
      'Unexpected',
      `merging ${names} gave other rows (${after}) than they have (${before}); nothing was changed`,
    );
  });
}

/** Rows and the sum of their hashes, which no order changes. */
async function fingerprint(connection: DuckDBConnection, query: string): Promise<string> {
  const sql = `SELECT count(*)::VARCHAR || '/' || coalesce(sum(hash(lake)::HUGEINT), 0)::VARCHAR FROM (${query}) AS lake`;
  return text((await rows(connection, sql))[0]?.[0]);
}
