/** All that decides a lake file's rows and layout, but for the lines themselves; part of a cut's intent. */
import type { EncoderSettings } from '../contracts/manifest.ts';
import { COMPRESSIONS, type LakeLayout } from '../contracts/pipeline.ts';

/** Raised when the same lines and settings would make other rows or another layout. */
export const ENCODER_VERSION = 1;

/** What a reader skips by, and what the writer holds in memory. */
const ROW_GROUP_ROWS = 100_000;

/** The settings of new cuts. */
export function encoderSettings(layout: LakeLayout): EncoderSettings {
  const { format, compression = COMPRESSIONS[format][0], nullMarker, partitionBy = [], timeZone } = layout;
  return {
    ...{ format, version: ENCODER_VERSION, compression, rowGroupRows: ROW_GROUP_ROWS },
    ...(format === 'csv' && nullMarker !== undefined ? { nullMarker } : {}),
    ...(partitionBy.length === 0 ? {} : { partitionBy }),
    ...(partitionBy.length > 0 && timeZone !== undefined ? { timeZone } : {}),
  };
}
