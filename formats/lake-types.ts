/**
 * The lake's typed columns: DuckDB's types, which become Parquet's logical types (decimal, date, timestamp with and
 * without zone, time, uuid, list), and which values they hold. What they do not hold stands as text in _overflow.
 */
import { LINEAGE_COLUMNS, OVERFLOW_COLUMN, type Column, type ColumnType } from '../contracts/columns.ts';
import { elementTexts, createArrayParts, parseArray } from './postgres-array.ts';

const PLAIN = {
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  float32: 'FLOAT',
  float64: 'DOUBLE',
  boolean: 'BOOLEAN',
  text: 'VARCHAR',
  char: 'VARCHAR',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  uuid: 'UUID',
  json: 'VARCHAR',
  jsonb: 'VARCHAR',
  bytea: 'BLOB',
} as const;

/** DuckDB's and Parquet's decimals end here; wider and unconstrained ones are text. */
const MAX_PRECISION = 38;

export function lakeType(type: ColumnType): string {
  if (type.kind === 'array') return `${lakeType(type.element)}[]`;
  if (type.kind !== 'decimal') return PLAIN[type.kind];
  const { precision, scale = 0 } = type;
  if (precision === undefined || scale > precision) return 'VARCHAR';
  // One digit before the point at least, as DuckDB prints a DECIMAL(2,2) as .50
  const digits = Math.max(precision - Math.min(scale, 0), scale + 1);
  return digits > MAX_PRECISION ? 'VARCHAR' : `DECIMAL(${digits},${Math.max(scale, 0)})`;
}

/** Whether the typed column holds the value that PostgreSQL prints so. */
export function lakeHolds(type: ColumnType, text: string): boolean {
  switch (type.kind) {
    case 'decimal':
      return lakeType(type) === 'VARCHAR' || /\d$/.test(text);
    case 'float32':
    case 'float64':
      return text !== '-0'; // DuckDB's Parquet writer takes it and 0 for one entry of a column's dictionary
    case 'date':
      return /\d$/.test(text);
    case 'time':
      return text !== '24:00:00'; // beyond what Parquet's time may be
    case 'timestamp':
    case 'timestamptz':
      // int64 microseconds from 1970 end in January 294247, PostgreSQL's 30 years later.
      return /\d$/.test(text) && !/^29424[7-9]|^2942[5-9]/.test(text);
    case 'array': {
      if (!/^\{(?!\{)/.test(text)) return false;
      const parts = createArrayParts();
      const bytes = Buffer.from(text);
      parseArray(bytes, 0, bytes.length, parts);
      return elementTexts(parts).every((element) => element === null || lakeHolds(type.element, element));
    }
    default:
      return true;
  }
}

/** Why a table's column names cannot stand beside the lake's own, in a reader that ignores case; one reason a name. */
export function lakeNameFaults(columns: readonly Column[]): string[] {
  const seen = new Map<string, string>([...LINEAGE_COLUMNS, OVERFLOW_COLUMN].map((name) => [name, name]));
  const faults: string[] = [];
  for (const { name } of columns) {
    const folded = name.toLowerCase();
    const other = seen.get(folded);
    if (other === undefined) seen.set(folded, name);
    else if (columns.some((column) => column.name === other && other !== name)) {
      faults.push(`columns "${other}" and "${name}" differ in case only, which the lake's readers do not tell apart`);
    } else faults.push(`column "${name}" has the name of a column that the lake adds`);
  }
  return faults;
}
