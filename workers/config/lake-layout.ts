/** How a lake's files are written, in a pipeline file: format, compression, NULL marker, partitions. */
import { z } from 'zod';
import {
  COMPRESSIONS,
  type Compression,
  LAKE_FORMATS,
  type LakeLayout,
  type PartitionField,
  PIPELINE_DEFAULTS,
  TIME_PARTS,
} from '../../contracts/pipeline.ts';
import { MAX_PART_LENGTH } from '../../formats/partition-folder.ts';
import { matching, oneOf, scalar } from './values.ts';

const MOST_FIELDS = 4;
/** Of S3, https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
const MAX_NAME_LENGTH = 1_024;
/** Topic id, partition, range and ending. */
const OWN_NAME_LENGTH = 120;
/** What an object's name begins with behind the fields' folders. */
const OWN_FIELDS = ['topic', 'partition'];

const ALL_COMPRESSIONS: readonly Compression[] = [...new Set(LAKE_FORMATS.flatMap((format) => COMPRESSIONS[format]))];

const partitionField = scalar<PartitionField>(
  'a column, or year, month, day or hour of one, such as day(ordered_at)',
  (found) => {
    if (typeof found !== 'string' || found.trim() === '') return undefined;
    const call = /^(\w+)\((.*)\)$/s.exec(found.trim());
    if (!call) return { ok: { column: found } };
    const by = TIME_PARTS.find((part) => part === call[1]);
    const column = call[2]?.trim() ?? '';
    return by === undefined || column === '' ? undefined : { ok: { column, by } };
  },
);

/** Keys of `lake`, checked together by checkLayout. */
export const layout = {
  format: oneOf(LAKE_FORMATS).default(PIPELINE_DEFAULTS.format),
  compression: oneOf(ALL_COMPRESSIONS).optional(),
  nullMarker: matching(
    /^[\x21\x23-\x2b\x2d-\x7e]{1,20}$/,
    'up to 20 ASCII characters without blanks, commas and double quotes, such as \\N or NULL',
  ).optional(),
  partitionBy: z
    .array(partitionField)
    .min(1, 'at least one field')
    .max(MOST_FIELDS, `at most ${MOST_FIELDS} fields`)
    .optional(),
  timeZone: scalar('the name of a time zone such as Europe/Berlin', (found) =>
    typeof found === 'string' && isTimeZone(found) ? { ok: found } : undefined,
  ).optional(),
};

/** Offsets such as +02:00 are left out: they are no zone of a place, and DuckDB's ICU reads their sign the other way round. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

type FoundLayout = { [Key in keyof LakeLayout]: LakeLayout[Key] | undefined } & Pick<LakeLayout, 'format'>;

/** Without the keys that are not there. */
export function layoutOf({ format, compression, nullMarker, partitionBy, timeZone }: FoundLayout): LakeLayout {
  return {
    format,
    ...(compression === undefined ? {} : { compression }),
    ...(nullMarker === undefined ? {} : { nullMarker }),
    ...(partitionBy === undefined ? {} : { partitionBy }),
    ...(timeZone === undefined ? {} : { timeZone }),
  };
}

/** What only keys together can do wrong. */
export function checkLayout(found: z.core.ParsePayload<FoundLayout & { prefix: string }>): void {
  const { format, compression, nullMarker, partitionBy = [], timeZone, prefix } = found.value;
  const add = (key: keyof LakeLayout, message: string): void => {
    found.issues.push({ code: 'custom', path: [key], input: found.value, message, params: { complete: true } });
  };
  const allowed: readonly Compression[] = COMPRESSIONS[format];
  if (compression !== undefined && !allowed.includes(compression)) {
    add('compression', `found "${compression}"; allowed with format ${format}: one of ${allowed.join(', ')}`);
  }
  if (nullMarker !== undefined && format !== 'csv') {
    add('nullMarker', `is for format csv; ${format} has a NULL of its own: remove it`);
  }
  if (timeZone !== undefined && !partitionBy.some(({ by }) => by !== undefined)) {
    add('timeZone', 'is for times in lake.partitionBy, such as day(ordered_at), and there is none: remove it');
  }
  const names = partitionBy.map(({ column, by }) => (by === undefined ? column : `${column}_${by}`));
  const taken = names.find((name) => OWN_FIELDS.includes(name.toLowerCase()));
  if (taken !== undefined) {
    add('partitionBy', `"${taken}" is a folder of Headrace's own in the names of objects: choose another column`);
  }
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) add('partitionBy', `names "${twice}" twice; keep one`);
  const longest = prefix.length + OWN_NAME_LENGTH + names.length * (2 * MAX_PART_LENGTH + 2);
  if (longest > MAX_NAME_LENGTH) {
    const what = `with lake.prefix and ${names.length} fields, an object's name may have ${longest} characters`;
    add('partitionBy', `${what}, and S3 takes ${MAX_NAME_LENGTH}: shorten the prefix, or part by fewer fields`);
  }
}
