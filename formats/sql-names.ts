/**
 * SQL names. Guarantees that every identifier that reaches a server was quoted by the one helper here, and that a table's
 * name in a pipeline file means what PostgreSQL would take it for.
 */
import type { TableName } from '../contracts/columns.ts';

/** `"name"`, inner quotes doubled. PostgreSQL, DuckDB and the SQL standard agree on this form. */
export function quoteIdent(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * `'text'`, inner quotes doubled; an `E''` literal when the text has a backslash, so that the meaning does not hang on
 * the session's standard_conforming_strings. For PostgreSQL; DuckDB's plain literals take backslashes as they are.
 */
export function quoteLiteral(text: string): string {
  const doubled = text.replaceAll("'", "''");
  return text.includes('\\') ? ` E'${doubled.replaceAll('\\', '\\\\')}'` : `'${doubled}'`;
}

export function quoteTable(name: TableName): string {
  return `${quoteIdent(name.schema)}.${quoteIdent(name.table)}`;
}

export type ParsedTableName = { ok: TableName } | { error: string };

/** The longest identifier PostgreSQL keeps, in bytes; it would cut a longer one silently. */
const MAX_IDENTIFIER_BYTES = 63;

/**
 * Parses `table` or `schema.table` as SQL writes it: unquoted parts are folded to lower case, quoted ones kept.
 * A name of one part is in schema `public` (a pipeline must not hang on a session's search_path).
 * Back-quotes quote, too, as in MySQL.
 * @param text e.g. `public."Odd ""Name"""`
 */
export function parseTableName(text: string): ParsedTableName {
  const parts: string[] = [];
  let rest = text.trim();
  for (;;) {
    const quoted = /^(?:"(?:[^"]|"")*"|`(?:[^`]|``)*`)/u.exec(rest);
    const plain = /^[\p{L}_][\p{L}\p{N}_$]*/u.exec(rest);
    const found = quoted ?? plain;
    if (!found) return { error: explain(text, rest) };
    const name = quoted ? unquoted(quoted[0]) : foldAscii(found[0]);
    if (name === '') return { error: `${text}: a quoted name must not be empty` };
    if (name.includes('\0')) return { error: `${text}: a name cannot hold a NUL character` };
    if (Buffer.byteLength(name) > MAX_IDENTIFIER_BYTES) {
      return {
        error: `${text}: "${name}" is longer than the ${MAX_IDENTIFIER_BYTES} bytes PostgreSQL keeps of a name`,
      };
    }
    parts.push(name);
    rest = rest.slice(found[0].length).trimStart();
    if (rest === '') break;
    if (!rest.startsWith('.')) return { error: explain(text, rest) };
    rest = rest.slice(1).trimStart();
  }
  const [first = '', second] = parts;
  if (parts.length > 2) return { error: `${text}: has ${parts.length} parts; write schema.table` };
  return { ok: second === undefined ? { schema: 'public', table: first } : { schema: first, table: second } };
}

/** The longest identifier MySQL takes, in characters. */
const MAX_MYSQL_CHARACTERS = 64;

/**
 * As parseTableName, for MySQL: `table` or `database.table`, quoted by backticks or, as in every pipeline file, by double
 * quotes; nothing is folded, as the server's own setting says whether case matters.
 * @param database where a name of one part is
 */
export function parseMysqlTableName(text: string, database: string): ParsedTableName {
  const part = '(?:`(?:[^`]|``)+`|"(?:[^"]|"")+"|[\\p{L}\\p{N}_$]+)';
  const found = new RegExp(`^(${part})(?:\\s*\\.\\s*(${part}))?$`, 'u').exec(text.trim());
  if (!found) return { error: `${text}: cannot be read; write database.table as SQL does, quoted where needed` };
  const names = found.slice(1).flatMap((each: string | undefined) => (each === undefined ? [] : [unquoted(each)]));
  for (const name of names) {
    if (name.includes('\0')) return { error: `${text}: a name cannot hold a NUL character` };
    if (Array.from(name).length > MAX_MYSQL_CHARACTERS)
      return { error: `${text}: "${name}" is longer than the ${MAX_MYSQL_CHARACTERS} characters of a MySQL name` };
  }
  const [first = '', second] = names;
  return { ok: second === undefined ? { schema: database, table: first } : { schema: first, table: second } };
}

function unquoted(part: string): string {
  const quote = part.slice(0, 1);
  return quote === '`' || quote === '"' ? part.slice(1, -1).replaceAll(quote + quote, quote) : part;
}

/** PostgreSQL folds ASCII only in a UTF-8 database. */
function foldAscii(name: string): string {
  return name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function explain(text: string, rest: string): string {
  const where = rest === '' ? 'a name is missing at the end' : `cannot be read from \`${rest}\` on`;
  return `${text}: ${where}; write schema.table as SQL does, quoted where needed, e.g. public."Odd ""Name"""`;
}
