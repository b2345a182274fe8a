/** What a record in the topic looks like from outside: header names. The value's JSON form is formats/' business. */

/** Replay id, UTF-8. */
export const HEADER_REPLAY = 'headrace-replay';
/** Chunk number in decimal digits. */
export const HEADER_CHUNK = 'headrace-chunk';
/** Schema version: the fingerprint of the columns' names and types (formats/schema-version.ts). */
export const HEADER_SCHEMA = 'headrace-schema';

/** Lanes a replay's chunks are dealt to; a fixed number, stored with each replay when first used. */
export const LANE_MODULUS = 64;

/** transactional.id and progress group of a lane (one name, so that fencing and reading back cannot diverge). */
export function laneId(replayId: string, lane: number): string {
  return `headrace/${replayId}/${lane}`;
}

/** The consumer group whose offsets show the landing's lag to ordinary Kafka tools. */
export function landGroup(dataset: string): string {
  return `headrace/land/${dataset}`;
}
