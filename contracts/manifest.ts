/** The manifest: what the lake holds is what its sealed cuts say, and nothing else. */
import type { Compression, LakeFormat, PartitionField } from './pipeline.ts';

export type CutReason = 'records' | 'bytes' | 'age' | 'memory' | 'end' | 'schema' | 'empty' | 'recovered' | 'compacted';
/** `replacing`: an intent to take the place of sealed cuts; `replaced`: one did. `expired`: loaded, and its objects given up. */
export type CutState = 'open' | 'sealed' | 'void' | 'replacing' | 'replaced' | 'expired';

export interface CutObject {
  /** Key in the bucket. */
  name: string;
  rows: number;
  /** Absent in cuts of before several objects a cut. */
  bytes?: number;
}

/** All that decides an object's bytes, recorded with the intent, so that whoever finishes a cut encodes the same. */
export interface EncoderSettings {
  format: LakeFormat;
  /** Version of the encoding code. */
  version: number;
  compression: Compression;
  rowGroupRows: number;
  /** CSV: what stands, without quotes, for NULL; absent: nothing at all. A text that says the same is quoted. */
  nullMarker?: string;
  /** How a cut's rows are dealt to objects; absent: one object. */
  partitionBy?: readonly PartitionField[];
  /** Of time fields in `partitionBy`; absent: UTC. */
  timeZone?: string;
}

/** What a reader of a file must know of how it was written; the rest, the file says itself. */
export type FileForm = Pick<EncoderSettings, 'format' | 'compression' | 'nullMarker'>;

/** With what a file's name ends. Parquet says inside how it is compressed. */
export function extensionOf({ format, compression }: FileForm): string {
  const packed = { gzip: '.gz', zstd: '.zst', snappy: '', none: '' }[compression];
  return format === 'parquet' ? format : `${format}${packed}`;
}

export interface Cut {
  partition: number;
  /** Inclusive. */
  start: number;
  /** Exclusive. */
  end: number;
  state: CutState;
  reason: CutReason;
  /** Rows landed (dead letters not counted). */
  rows: number;
  objects: readonly CutObject[];
  /** Hex SHA-256 of the cut's input bytes. */
  inputSha256: string;
  schemaVersion: string | null;
  encoder: EncoderSettings;
}

/**
 * Object key: dataset prefix, topic id, partition and range; nothing random, so that two writers collide.
 * @param extension as extensionOf says
 * @param folder of the rows' partition (formats/partition-folder.ts), with a slash at its end; '' where there is none
 */
export function objectName(
  prefix: string,
  topicId: string,
  partition: number,
  start: number,
  end: number,
  extension: string,
  folder = '',
): string {
  const pad = (offset: number) => String(offset).padStart(19, '0');
  return `${prefix}/${folder}topic=${topicId}/partition=${partition}/${pad(start)}-${pad(end)}.${extension}`;
}

/** What an object's name says. */
export interface NamedRange {
  topicId: string;
  partition: number;
  /** Inclusive. */
  start: number;
  /** Exclusive. */
  end: number;
  format: LakeFormat;
  extension: string;
  /** As in objectName. */
  folder: string;
}

/** Null where `objectName` makes no such name under the prefix: somebody else's object. */
export function parseObjectName(prefix: string, name: string): NamedRange | null {
  if (!name.startsWith(`${prefix}/`)) return null;
  const form =
    /^((?:[^/=]+=[^/=]+\/)*?)topic=([A-Za-z0-9_-]+)\/partition=(\d+)\/(\d{19})-(\d{19})(\.c[0-9a-f]{12})?\.((parquet|csv|jsonl)(?:\.gz|\.zst)?)$/;
  const parts = form.exec(name.slice(prefix.length + 1));
  if (!parts) return null;
  const [, folder = '', topicId = '', partition, from, to, again = '', ending = '', format] = parts;
  const [start, end] = [Number(from), Number(to)];
  const extension = `${again.slice(1)}${again === '' ? '' : '.'}${ending}`;
  const range = { topicId, partition: Number(partition), start, end, format: format as LakeFormat, extension, folder };
  // 007 is no partition of ours, and an offset beyond 2^53 is none of Kafka's in our time.
  const ours =
    Number.isSafeInteger(end) && objectName(prefix, topicId, range.partition, start, end, extension, folder) === name;
  return ours && end > start ? range : null;
}

/** Marks an extension whose object takes the place of others: of the same range there may be several, by different names. */
export function againExtension(unique: string, extension: string): string {
  return `c${unique}.${extension.replace(/^c[0-9a-f]{12}\./, '')}`;
}

/** The prefix that an object of the dataset stands under: the lake's, or the one that loaded objects are moved to. */
export function prefixOf(lakePrefix: string, name: string): string {
  if (name.startsWith(`${lakePrefix}/`)) return lakePrefix;
  const at = name.indexOf(`/${lakePrefix}/`);
  return at < 0 ? lakePrefix : name.slice(0, at + 1 + lakePrefix.length);
}

/** Under the prefix, what is Headrace's own and not data: the probe, and the schema versions. Readers skip names with `_`. */
export const OWN_FOLDER = '_headrace';

/** Where the columns of a schema version are kept in the lake, so that the lake can be read without the control database. */
export function schemaName(prefix: string, version: string): string {
  return `${prefix}/${OWN_FOLDER}/schema/${version}.json`;
}
