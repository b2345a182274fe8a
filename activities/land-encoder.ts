/** How cuts are encoded by default, and how many at a time: the encoder uses the machine's threads itself. */
import type { EncoderSettings } from '../contracts/manifest.ts';
import type { LakeFormat } from '../contracts/pipeline.ts';

/** Raised when the same input and settings give other rows or another layout. */
export const ENCODER_VERSION = 1;
const ROW_GROUP_ROWS = 100_000;
const ENCODES_AT_ONCE = 2;

export function encoderSettings(format: LakeFormat): EncoderSettings {
  const compression = format === 'parquet' ? 'zstd' : 'none';
  return { format, version: ENCODER_VERSION, compression, rowGroupRows: ROW_GROUP_ROWS };
}

/** Runs work, a few at a time, in the order asked for. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

export function createTurns(atOnce = ENCODES_AT_ONCE): Turns {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
