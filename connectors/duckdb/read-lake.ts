/**
 * Reading lake files, with errors that say which object is to blame. What DuckDB says of a file's content will be so at the
 * next attempt too: it is a fault that only a person can mend. Lack of memory or disk is left as it is, and so is a fault
 * of DuckDB's own.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { LakeFile } from '../../activities/ports/lake-files.ts';
import type { Column } from '../../contracts/columns.ts';
import { type Fault, fault, isFault, messageOf } from '../../contracts/errors.ts';
import type { EncoderSettings } from '../../contracts/manifest.ts';
import { type DuckDb, isResourceError, rows } from './instance.ts';
import { lakeQuery } from './lake-rows.ts';

/** Kinds of error that are about the query's input: files of other columns, other types, damaged or cut off. */
const INPUT_ERROR =
  /^(Binder|Catalog|Conversion|Invalid|Invalid Input|Mismatch Type|Out of Range|Serialization|Parser) Error|TProtocolException|zstd/i;
/** Files that are too short to be of their format count as IO errors for DuckDB; that is not the disk's fault. */
const CUT_OFF = /parquet file|parquet magic|not enough data|read past|unexpected end/i;

/** @throws Fault ManifestConflict that names the object, or WorkerFault */
export async function readLake<T>(
  duckdb: DuckDb,
  files: readonly LakeFile[],
  columns: readonly Column[],
  format: EncoderSettings['format'],
  use: (connection: DuckDBConnection, query: string) => Promise<T>,
): Promise<T> {
  try {
    return await duckdb.withConnection((connection) => use(connection, lakeQuery(files, columns, format)));
  } catch (error) {
    if (!isInputError(error)) throw error;
    throw await blame(duckdb, files, columns, format, error);
  }
}

function isInputError(error: unknown): boolean {
  const cause = isFault(error) ? error.cause : error;
  if (cause === undefined) return false;
  return isResourceError(cause) ? CUT_OFF.test(messageOf(cause)) : INPUT_ERROR.test(messageOf(cause));
}

/** Each file is read alone, and whole, until one fails: this happens once, and then a person looks at it. */
async function blame(
  duckdb: DuckDb,
  files: readonly LakeFile[],
  columns: readonly Column[],
  format: EncoderSettings['format'],
  error: unknown,
): Promise<Fault> {
  for (const file of files) {
    const query = lakeQuery([file], columns, format);
    try {
      await duckdb.withConnection((connection) =>
        rows(connection, `SELECT bit_xor(hash(lake)) FROM (${query}) AS lake`),
      );
    } catch (own) {
      if (isInputError(own)) return conflict(`the object ${nameOf(file)}`, own);
      throw own;
    }
  }
  return conflict(`one of ${files.length} objects (first: ${files[0] ? nameOf(files[0]) : 'none'})`, error);
}

function nameOf(file: LakeFile): string {
  return file.object ?? file.path;
}

function conflict(what: string, error: unknown): Fault {
  const text = `${what} is not what was sealed: ${messageOf(error)}; it was damaged or overwritten in the store: restore it`;
  return fault('ManifestConflict', text, error);
}
