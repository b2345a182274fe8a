/** The manifest's rows as the port's values; bigint columns come as text, offsets fit a double up to 2^53. */
import type { StoredCut } from '../../activities/ports/manifest.ts';
import type { CutObject, CutReason, CutState, EncoderSettings } from '../../contracts/manifest.ts';

/** A cut as `to_jsonb` prints it, bigints as text (see CUT_JSON), with its partition's number. */
export interface CutJson {
  start_offset: string;
  end_offset: string;
  attempt: number;
  state: CutState;
  reason: CutReason;
  rows: string;
  bytes: string;
  objects: CutObject[];
  input_sha256: string;
  encoder: EncoderSettings;
  schema_version: string | null;
  dead_letters: string;
  opened_at: string;
}

/** JSON numbers would pass through doubles in the driver: bigints travel as text. Alias `c` is the cut. */
export const CUT_JSON = `jsonb_build_object(
  'start_offset', c.start_offset::text, 'end_offset', c.end_offset::text, 'attempt', c.attempt, 'state', c.state,
  'reason', c.reason, 'rows', c.rows::text, 'bytes', c.bytes::text, 'objects', c.objects, 'input_sha256', c.input_sha256,
  'encoder', c.encoder, 'schema_version', c.schema_version, 'dead_letters', c.dead_letters::text,
  'opened_at', c.opened_at)`;

export function toCut(partition: number, cut: CutJson): StoredCut {
  return {
    partition,
    start: Number(cut.start_offset),
    end: Number(cut.end_offset),
    attempt: cut.attempt,
    state: cut.state,
    reason: cut.reason,
    rows: Number(cut.rows),
    bytes: Number(cut.bytes),
    objects: cut.objects,
    inputSha256: cut.input_sha256,
    encoder: cut.encoder,
    schemaVersion: cut.schema_version,
    deadLetters: Number(cut.dead_letters),
    openedAt: cut.opened_at,
  };
}
