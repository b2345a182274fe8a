/**
 * How a column's values are written on each hop, in words for `plan`. The forms themselves are formats/json-values.ts's
 * and connectors/duckdb's; these words follow them.
 */
import type { ColumnType } from '../contracts/columns.ts';

/** Digits that a double carries whatever they are (formats/json-values.ts). */
const SAFE_DIGITS = 15;
/** Of Parquet's and DuckDB's DECIMAL. */
const MOST_DECIMAL_DIGITS = 38;

export function jsonWord(type: ColumnType): string {
  switch (type.kind) {
    case 'int16':
    case 'int32':
    case 'float32':
    case 'float64':
      return 'number';
    case 'int64':
      return `number, string beyond ${SAFE_DIGITS} digits`;
    case 'decimal':
      return type.precision !== undefined && type.precision <= SAFE_DIGITS ? 'number' : 'string';
    case 'boolean':
      return 'boolean';
    case 'array':
      return `array of ${jsonWord(type.element)}`;
    case 'bytea':
      return 'string (hex)';
    case 'timestamp':
    case 'timestamptz':
      return 'string (ISO 8601)';
    default:
      return 'string';
  }
}

export function parquetWord(type: ColumnType): string {
  switch (type.kind) {
    case 'int16':
      return 'INT(16)';
    case 'int32':
      return 'INT(32)';
    case 'int64':
      return 'INT(64)';
    case 'float32':
      return 'FLOAT';
    case 'float64':
      return 'DOUBLE';
    case 'decimal':
      return decimalWord(type);
    case 'boolean':
      return 'BOOLEAN';
    case 'date':
      return 'DATE';
    case 'time':
      return 'TIME(MICROS)';
    case 'timestamp':
      return 'TIMESTAMP(MICROS, local)';
    case 'timestamptz':
      return 'TIMESTAMP(MICROS, UTC)';
    case 'uuid':
      return 'UUID';
    case 'bytea':
      return 'BYTE_ARRAY';
    case 'array':
      return `LIST of ${parquetWord(type.element)}`;
    default:
      return 'STRING';
  }
}

function decimalWord({ precision, scale = 0 }: { precision?: number; scale?: number }): string {
  const fits = precision !== undefined && precision <= MOST_DECIMAL_DIGITS && scale >= 0 && scale <= precision;
  return fits ? `DECIMAL(${precision},${scale})` : 'STRING';
}
