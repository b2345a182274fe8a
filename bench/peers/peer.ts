/** What every peer gives: rows that are counted at the far end, and seconds that leave its start-up out. */
import type { Hop } from '../hops.ts';
import type { BenchStack } from '../stack.ts';

export interface PeerInput {
  stack: BenchStack;
  /** Of `TABLES.sales`. */
  rows: number;
  /** Headrace's, with every row in it: what a peer of `land` reads. */
  topic: string;
  /** Headrace's lake prefix, with every row in it as Parquet: what a peer of `load` reads. */
  prefix: string;
  /** An empty folder of the peer's own, removed afterwards. */
  folder: string;
}

export interface PeerResult {
  /** Counted where they arrived, after the end. */
  arrived: number;
  seconds: number;
}

export interface Peer {
  /** What `--only` takes. */
  name: string;
  title: string;
  hop: Hop;
  /** In a few words: what a crash can do to the rows. */
  promises: string;
  /** @throws Error if it cannot be installed, or fails */
  run(input: PeerInput): Promise<PeerResult>;
}
