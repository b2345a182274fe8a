/**
 * Parquet to PostgreSQL by dlt, filesystem source to postgres destination, set up as its documentation has it fastest: Arrow
 * batches instead of Python objects (`use_pyarrow`), Parquet load files that the ADBC driver copies in binary (CSV by COPY
 * is its second), neither row ids nor normalising, append, and files rotated so that loading runs in parallel.
 * The clock runs from `pipeline.run` to its return; Python's start and imports are outside.
 * `dlt-upsert` does the job that Headrace does: a merge by the key, with dlt's strategy `upsert`, into a table that it makes.
 */
import { columnsOf, keyOf, lakeTask, warehouseRows } from './lake-to-warehouse.ts';
import type { Peer, PeerInput, PeerResult } from './peer.ts';
import { pythonNumber } from './python.ts';

export const dlt: readonly Peer[] = [
  {
    name: 'dlt',
    title: 'dlt 1.31, Arrow and ADBC',
    hop: 'load',
    promises: 'at least once: appends, no key, a retried file can double',
    run: (input) => load(input, 'bench_dlt', []),
  },
  {
    name: 'dlt-upsert',
    title: 'dlt 1.31, the same, upsert by key',
    hop: 'load',
    promises: 'each key once, as far as its own state of what was loaded is kept',
    run: async (input) => load(input, 'bench_dlt_upsert', await keyOf(input.stack.info)),
  },
];

async function load(
  { stack, prefix, folder }: PeerInput,
  dataset: string,
  key: readonly string[],
): Promise<PeerResult> {
  const seconds = await pythonNumber('dlt_load.py', 'seconds', {
    cache: stack.cache,
    folder,
    task: { ...lakeTask(stack.info, prefix), columns: await columnsOf(stack.info), dataset, key },
  });
  return { arrived: await warehouseRows(stack.info, `${dataset}.product_sales`), seconds };
}
