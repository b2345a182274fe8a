/**
 * Parquet to PostgreSQL by DuckDB's postgres extension: one CREATE TABLE AS over the objects, which it sends as one binary COPY,
 * with as many threads as the machine has: what its documentation recommends, and less work than any other of its ways. The
 * extensions come as Python packages, since DuckDB's own download place is not a package registry.
 * The clock runs from that statement to its return; Python's start, loading the extensions and connecting are outside.
 */
import { columnsOf, lakeTask, warehouseRows } from './lake-to-warehouse.ts';
import type { Peer } from './peer.ts';
import { pythonNumber } from './python.ts';

const TABLE = 'public.bench_duckdb';

export const duckdb: Peer = {
  name: 'duckdb',
  title: 'DuckDB 1.5, postgres extension',
  hop: 'load',
  promises: 'all or nothing, but no key and no memory: run again it doubles or fails',
  async run({ stack, prefix, folder }) {
    const seconds = await pythonNumber('duckdb_load.py', 'seconds', {
      cache: stack.cache,
      folder,
      task: { ...lakeTask(stack.info, prefix), columns: await columnsOf(stack.info), table: TABLE },
    });
    return { arrived: await warehouseRows(stack.info, TABLE), seconds };
  },
};
