/** Types as people write them in a pipeline file, for topics that have no table behind them: PostgreSQL's names and short ones. */
import type { Column, ColumnType } from '../contracts/columns.ts';

const KINDS = {
  smallint: 'int16',
  integer: 'int32',
  int: 'int32',
  bigint: 'int64',
  real: 'float32',
  'double precision': 'float64',
  double: 'float64',
  boolean: 'boolean',
  text: 'text',
  date: 'date',
  time: 'time',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  uuid: 'uuid',
  json: 'json',
  jsonb: 'jsonb',
} as const;

/** As PostgreSQL's format_type prints what has a shorter name here. */
const PRINTED: Readonly<Record<string, string>> = {
  int: 'integer',
  double: 'double precision',
  time: 'time without time zone',
  timestamp: 'timestamp without time zone',
  timestamptz: 'timestamp with time zone',
};
const MAX_NUMERIC_DIGITS = 1_000;

/** To be said once in a message. */
export const DECLARED_TYPES = `${Object.keys(KINDS).join(', ')}, numeric, numeric(12,2), varchar(40), an array of these such as text[], and "not null" behind it`;

/** @param text e.g. `numeric(12,2) not null`. @returns null where it is no type */
export function declaredColumn(name: string, text: string): Column | null {
  const parts = /^(.*?)(\[\])?(\s+not\s+null)?$/s.exec(text.trim().toLowerCase().replaceAll(/\s+/g, ' '));
  const found = parts && scalarType(parts[1] ?? '');
  if (!found) return null;
  const { type, sqlType } = found;
  const list = parts[2] !== undefined;
  return {
    name,
    type: list ? { kind: 'array', element: type } : type,
    nullable: parts[3] === undefined,
    sqlType: list ? `${sqlType}[]` : sqlType,
  };
}

function scalarType(text: string): { type: ColumnType; sqlType: string } | null {
  if (Object.hasOwn(KINDS, text)) {
    return { type: { kind: KINDS[text as keyof typeof KINDS] }, sqlType: PRINTED[text] ?? text };
  }
  if (text === 'numeric') return { type: { kind: 'decimal' }, sqlType: text };
  const decimal = /^numeric\((\d+), ?(\d+)\)$/.exec(text);
  if (decimal) {
    const [precision, scale] = [Number(decimal[1]), Number(decimal[2])];
    if (precision < 1 || precision > MAX_NUMERIC_DIGITS || scale > precision) return null;
    return { type: { kind: 'decimal', precision, scale }, sqlType: `numeric(${precision},${scale})` };
  }
  const length = Number(/^varchar\((\d{1,8})\)$/.exec(text)?.[1]);
  return length > 0 ? { type: { kind: 'text' }, sqlType: `character varying(${length})` } : null;
}
