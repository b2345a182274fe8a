/**
 * Parquet to PostgreSQL by DuckDB's postgres extension: one CREATE TABLE AS over the objects, which it sends as one binary COPY,
 * with as many threads as the machine has: what its documentation recommends, and less work than any other of its ways. The
 * extensions come as Python packages, since DuckDB's own download place is not a package registry.
 * The clock runs from that statement to its return; Python's start, loading the extensions and connecting are outside.
 * `duckdb-keyed` does the job that Headrace does as far as DuckDB can: the same rows by INSERT into an empty table with the key of
 * Headrace's, which a later load would need.
 */
import { columnsOf, keyedLike, lakeTask, warehouseRows } from './lake-to-warehouse.ts';
import type { Peer, PeerInput, PeerResult } from './peer.ts';
import { pythonNumber } from './python.ts';

export const duckdb: readonly Peer[] = [
  {
    name: 'duckdb',
    title: 'DuckDB 1.5, postgres extension',
    hop: 'load',
    promises: 'all or nothing, but no key and no memory: run again it doubles or fails',
    run: (input) => load(input, 'public.bench_duckdb', false),
  },
  {
    name: 'duckdb-keyed',
    title: 'DuckDB 1.5, into a table with its key',
    hop: 'load',
    promises: 'all or nothing, but no memory and no upsert: a key that is there fails it',
    run: (input) => load(input, 'public.bench_duckdb_keyed', true),
  },
];

async function load({ stack, topic, prefix, folder }: PeerInput, table: string, keyed: boolean): Promise<PeerResult> {
  if (keyed) await keyedLike(stack.info, topic, table);
  const seconds = await pythonNumber('duckdb_load.py', 'seconds', {
    cache: stack.cache,
    folder,
    task: { ...lakeTask(stack.info, prefix), columns: await columnsOf(stack.info), table, exists: keyed },
  });
  return { arrived: await warehouseRows(stack.info, table), seconds };
}
