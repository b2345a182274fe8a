/**
 * What a lake object says of itself in its metadata: enough to know it again when it is put twice, and to rebuild the
 * manifest without the control database. Values are ASCII and together below 1 KiB (S3 takes 2 KiB).
 *
 * The gap before an object is told as well: a cut without rows (markers, aborted rows, dead letters only) has no object, and
 * once the topic has expired nothing else can tell such a gap from a loss.
 */
import type { EncoderSettings } from '../contracts/manifest.ts';

const ROWS = 'headrace-rows';
const INPUT = 'headrace-input-sha256';
const SCHEMA = 'headrace-schema';
const ENCODER = 'headrace-encoder';
const LETTERS = 'headrace-dead-letters';
const LOG_START = 'headrace-log-start';
const SINCE = 'headrace-since';
const SINCE_LETTERS = 'headrace-since-dead-letters';
const OBJECTS = 'headrace-objects';

export interface ObjectMetadata {
  rows: number;
  /** Hex SHA-256 of the cut's input bytes. */
  inputSha256: string;
  schemaVersion: string;
  encoder: EncoderSettings;
  /** In the cut, beside the rows. */
  deadLetters: number;
  /** Where the partition's manifest begins. */
  logStart: number;
  /** All offsets from here to the cut's start were sealed without an object. */
  since: number;
  /** Dead letters among those. */
  sinceDeadLetters: number;
  /** Of the cut, this one included. */
  objects: number;
}

/** As it can be read: objects of before these were written have rows and hash only. */
export type FoundMetadata = Pick<ObjectMetadata, 'rows' | 'inputSha256'> &
  Partial<Omit<ObjectMetadata, 'rows' | 'inputSha256'>>;

export function writeMetadata(facts: ObjectMetadata): Record<string, string> {
  return {
    [ROWS]: String(facts.rows),
    [INPUT]: facts.inputSha256,
    [SCHEMA]: facts.schemaVersion,
    [ENCODER]: asciiJson(facts.encoder),
    [LETTERS]: String(facts.deadLetters),
    [LOG_START]: String(facts.logStart),
    [SINCE]: String(facts.since),
    [SINCE_LETTERS]: String(facts.sinceDeadLetters),
    [OBJECTS]: String(facts.objects),
  };
}

/** Metadata travels in HTTP headers; a column's name may have any character. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Null where an object does not say how many rows of which input it holds: it is none of ours, or was copied without. */
export function readMetadata(metadata: Readonly<Record<string, string>>): FoundMetadata | null {
  const count = (name: string): number | undefined => {
    const text = metadata[name];
    return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const rows = count(ROWS);
  const inputSha256 = metadata[INPUT];
  if (rows === undefined || inputSha256 === undefined) return null;
  const encoder = readEncoder(metadata[ENCODER]);
  const optional = {
    schemaVersion: metadata[SCHEMA],
    encoder,
    deadLetters: count(LETTERS),
    logStart: count(LOG_START),
    since: count(SINCE),
    sinceDeadLetters: count(SINCE_LETTERS),
    objects: count(OBJECTS),
  };
  const said = Object.entries(optional).filter(([, value]) => value !== undefined);
  return { rows, inputSha256, ...(Object.fromEntries(said) as Partial<ObjectMetadata>) };
}

function readEncoder(text: string | undefined): EncoderSettings | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as EncoderSettings);
  } catch {
    return undefined; // damaged: as if it did not say
  }
}
