/**
 * Parquet to PostgreSQL by dlt, filesystem source to postgres destination, set up as its documentation has it fastest: Arrow
 * batches instead of Python objects (`use_pyarrow`), Parquet load files that the ADBC driver copies in binary (CSV by COPY
 * is its second), neither row ids nor normalising, append, and files rotated so that loading runs in parallel.
 * The clock runs from `pipeline.run` to its return; Python's start and imports are outside.
 */
import { columnsOf, lakeTask, warehouseRows } from './lake-to-warehouse.ts';
import type { Peer } from './peer.ts';
import { pythonNumber } from './python.ts';

const DATASET = 'bench_dlt';

export const dlt: Peer = {
  name: 'dlt',
  title: 'dlt 1.31, Arrow and ADBC',
  hop: 'load',
  promises: 'at least once: appends, no key, a retried file can double',
  async run({ stack, prefix, folder }) {
    const seconds = await pythonNumber('dlt_load.py', 'seconds', {
      cache: stack.cache,
      folder,
      task: { ...lakeTask(stack.info, prefix), columns: await columnsOf(stack.info), dataset: DATASET },
    });
    return { arrived: await warehouseRows(stack.info, `${DATASET}.product_sales`), seconds };
  },
};
