/**
 * What MySQL's text protocol sends of a value, as PostgreSQL prints it: the one form that records, hashes and keys are made
 * from (formats/copy-rows.ts). Bytes to bytes; only floats, whose digits differ, become numbers on the way. Guarantee: two
 * values that MySQL holds different come out different, and none is changed. What PostgreSQL has no form for (0000-00-00,
 * times beyond a day) is left as MySQL prints it: the lake refuses it as a dead letter that names the column.
 *
 * (Rejected: printing in SQL, e.g. CONCAT and TRIM of a time's zeros: the server's processor is the source's to spare.)
 */
import type { Column } from '../contracts/columns.ts';
import { fault } from '../contracts/errors.ts';
import { BACKSLASH, NEWLINE, TAB } from './copy-text.ts';
import { floatText } from './postgres-scalars.ts';
import { append, appendAscii, createScratch, reserve, type Scratch } from './scratch.ts';

export interface MysqlReader {
  /** The expression to select. @param x the column, quoted */
  sql(x: string): string;
  /** Appends the value as a field of COPY's text format. */
  copy(out: Scratch, raw: Buffer): void;
  /** The value as PostgreSQL prints it. */
  text(raw: Buffer): string;
}

const asIs = (x: string): string => x;

/** @param column of the source, or of the shape that a warehouse table holds */
export function mysqlReader(column: Column): MysqlReader {
  const { type, native } = column;
  switch (type.kind) {
    case 'int16':
    case 'int32':
    case 'int64':
    case 'decimal':
      // 00042 of a zerofill column, 0000 of a year, bytes of a bit column.
      return plain(/zerofill|^bit|^year/.test(native ?? '') ? (x) => `(${x} + 0)` : asIs);
    case 'boolean':
      return plain((x) => `CASE ${x} WHEN 1 THEN 't' WHEN 0 THEN 'f' ELSE CONCAT('', ${x} + 0) END`);
    case 'float32':
      return float(true);
    case 'float64':
      return float(false);
    case 'time':
    case 'timestamp':
      return scalar(asIs, appendTime);
    case 'timestamptz':
      return scalar(asIs, appendZonedTime);
    case 'bytea':
      return {
        sql: asIs,
        copy: (out, raw) => appendHex(out, raw, '\\\\x'),
        text: (raw) => `\\x${raw.toString('hex')}`,
      };
    case 'text':
    case 'char':
    case 'json':
    case 'jsonb':
    case 'array':
      return unicodeText(column);
    case 'date':
    case 'uuid':
      return plain(asIs);
  }
}

/** Of these each stored value has characters of Unicode, and no two the same. */
const EXACT_CHARSETS: ReadonlySet<string> = new Set(
  'utf8mb4 utf8mb3 utf8 ascii latin1 ucs2 utf16 utf16le utf32 binary'.split(' '),
);
/** The source's words for a column, with the character set where it may hold bytes that are no characters. */
export function withCharset(columnType: string, charset: string | null): string {
  return charset === null || EXACT_CHARSETS.has(charset) ? columnType : `${columnType} character set ${charset}`;
}

/** The column as a warehouse of ours has it, whose text is utf8mb4. */
export function inUnicode({ native, ...column }: Column): Column {
  return native === undefined ? column : { ...column, native: native.replace(CHARSET, '') };
}

const CHARSET = / character set (\w+)$/;

/** In the place of a value that cannot be read; no text of a user's begins so. */
const UNREADABLE = Buffer.from('\0headrace: bytes without a character');

/**
 * Where bytes have no character (greek X'FF', user-defined ones of gbk), MySQL sends `?` for each: two values become one, and a
 * key's bound one that is below it. So a value that does not come back as it was is refused. (Rejected: refusing all such
 * character sets, in which most tables are fine; an error of the server's, of which none can name the column on both servers.)
 */
function unicodeText({ name, native = '' }: Column): MysqlReader {
  const text = (raw: Buffer): string => raw.toString('utf8');
  const charset = CHARSET.exec(native)?.[1];
  if (charset === undefined) return { sql: asIs, copy: appendEscaped, text };
  const readable = (raw: Buffer): Buffer => {
    if (!raw.equals(UNREADABLE)) return raw;
    throw fault(
      'TableUnsuited',
      `column "${name}" (${native}) holds a value with bytes that are no character of that set, so that nobody can say what it is ` +
        'in Unicode; mend such values, store them as varbinary, or leave the column out (source.columns)',
    );
  };
  return {
    sql(x) {
      const back = `CAST(CONVERT(CONVERT(${x} USING utf8mb4) USING ${charset}) AS BINARY)`;
      const other = `_utf8mb4 X'${UNREADABLE.toString('hex')}'`;
      return `CASE WHEN ${x} IS NULL OR ${back} = CAST(${x} AS BINARY) THEN ${x} ELSE ${other} END`;
    },
    copy: (out, raw) => appendEscaped(out, readable(raw)),
    text: (raw) => text(readable(raw)),
  };
}

function plain(sql: MysqlReader['sql']): MysqlReader {
  return { sql, copy: appendAll, text: (raw) => raw.toString('latin1') };
}

function scalar(sql: MysqlReader['sql'], write: MysqlReader['copy']): MysqlReader {
  const text = createScratch(64);
  return {
    sql,
    copy: write,
    text: (raw) => {
      text.at = 0;
      write(text, raw);
      return text.bytes.toString('latin1', 0, text.at);
    },
  };
}

/** A float column prints six digits whatever it holds; times one it is a double, which prints all. -0 stays. */
function float(single: boolean): MysqlReader {
  return scalar(
    (x) => `(${x} * 1e0)`,
    (out, raw) => {
      const printed = raw.toString('latin1');
      appendAscii(out, floatText(printed, single) ?? printed);
    },
  );
}

function appendAll(out: Scratch, raw: Buffer): void {
  append(out, raw, 0, raw.length);
}

/** `10:00:00.500000` as `10:00:00.5`. */
function appendTime(out: Scratch, raw: Buffer): void {
  let end = raw.length;
  let dot = end - 1;
  while (dot > 0 && raw[dot] !== 0x2e && raw[dot] !== 0x3a) dot--;
  if (raw[dot] === 0x2e) {
    while (raw[end - 1] === 0x30) end--;
    if (end - 1 === dot) end = dot;
  }
  append(out, raw, 0, end);
}

function appendZonedTime(out: Scratch, raw: Buffer): void {
  appendTime(out, raw);
  const bytes = reserve(out, 3);
  bytes[out.at++] = 0x2b;
  bytes[out.at++] = 0x30;
  bytes[out.at++] = 0x30;
}

function appendHex(out: Scratch, raw: Buffer, prefix: string): void {
  appendAscii(out, prefix);
  const bytes = reserve(out, raw.length * 2);
  out.at += bytes.write(raw.toString('hex'), out.at, 'latin1');
}

const NAMED = new Map([
  [TAB, 0x74],
  [NEWLINE, 0x6e],
  [BACKSLASH, BACKSLASH],
]);
/** For each byte that ends a run of plain ones: what stands behind its backslash. */
const ESCAPES = new Uint8Array(256);
for (const [byte, letter] of NAMED) ESCAPES[byte] = letter;

/** Runs between bytes that are escaped are copied as they are. */
function appendEscaped(out: Scratch, raw: Buffer): void {
  let from = 0;
  for (let i = 0; i < raw.length; i++) {
    const letter = ESCAPES[raw[i] as number] as number;
    if (letter === 0) continue;
    append(out, raw, from, i);
    const bytes = reserve(out, 2);
    bytes[out.at++] = BACKSLASH;
    bytes[out.at++] = letter;
    from = i + 1;
  }
  append(out, raw, from, raw.length);
}
