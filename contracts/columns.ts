/**
 * The types a column can have, independent of any vendor. formats/ turns them into JSON, Parquet, DuckDB and PostgreSQL
 * forms; connectors/ find them in a catalogue. A source type that has no member here is refused when a replay is planned.
 */
export type ColumnType =
  | { kind: 'int16' | 'int32' | 'int64' | 'float32' | 'float64' | 'boolean' }
  /** `precision` and `scale` are absent for an unconstrained numeric. */
  | { kind: 'decimal'; precision?: number; scale?: number }
  /** text, varchar and enums (an enum's labels are text outside its own database). */
  | { kind: 'text' }
  /** Blank-padded char(n): trailing blanks carry no meaning. */
  | { kind: 'char'; length: number }
  | { kind: 'date' | 'time' | 'timestamp' | 'timestamptz' }
  | { kind: 'uuid' | 'json' | 'jsonb' | 'bytea' }
  | { kind: 'array'; element: ColumnType };

export interface Column {
  name: string;
  type: ColumnType;
  nullable: boolean;
  /**
   * In PostgreSQL's words (format_type), whatever the source: for messages, for what the type alone does not say
   * (`character varying(20)`), and for a PostgreSQL warehouse's DDL.
   */
  sqlType: string;
  /** The source's own words where they are others (MySQL): `bigint(20) unsigned`. No part of the schema's version. */
  native?: string;
}

/** Unquoted parts; quoting is the connectors' business. */
export interface TableName {
  schema: string;
  table: string;
}

export interface TableShape {
  columns: readonly Column[];
  /** Names of the key's columns, in index order; all NOT NULL. */
  key: readonly string[];
}

/** A key's values in the shape's key order, each as the database prints it in COPY text (ISO, UTC). */
export type Key = readonly string[];

/** Names that a lake row adds to the table's columns; a source column of that name is refused. */
export const LINEAGE_COLUMNS = ['_replay', '_chunk', '_partition', '_offset'] as const;
/**
 * JSON object {column: the source's text} of the values that the lake's typed column cannot hold (NaN in a decimal,
 * infinity in a timestamp, BC dates, nested arrays…), whose typed column is NULL; NULL for nearly every row.
 */
export const OVERFLOW_COLUMN = '_overflow';
