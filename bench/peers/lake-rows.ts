/** The count at the far end of a peer of `land`: rows of every Parquet object below its prefix, by PyArrow, after the peer has ended. */
import type { PeerInput } from './peer.ts';
import { pythonNumber } from './python.ts';

/** @param prefix of the lake's bucket, which no one else writes to */
export async function lakeRows({ stack, folder }: PeerInput, prefix: string): Promise<number> {
  const task = { ...stack.info.s3, prefix };
  return await pythonNumber('lake_rows.py', 'rows', { cache: stack.cache, folder, task });
}
