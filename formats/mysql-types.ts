/**
 * MySQL's and MariaDB's types as Headrace's. Guarantees that every column is either mapped to a type whose values survive the
 * whole way exactly, or refused with a remedy. `sqlType` is in PostgreSQL's words, as for every source (contracts/columns.ts),
 * so that lake, encoder and a PostgreSQL warehouse need not know where rows came from; `native` keeps MySQL's own.
 *
 * Widened, as MySQL alone has them: unsigned integers to the next size (bigint unsigned to numeric(20,0)), year to smallint,
 * bit(n) to an integer (bit(1) to boolean), enum and set to text. char(n) is varchar(n): MySQL strips its blanks when it is
 * read. timestamp is a moment (timestamptz), datetime none.
 */
import type { ColumnType } from '../contracts/columns.ts';
import type { MappedType } from './postgres-types.ts';

/** A row of information_schema.columns. */
export interface MysqlColumn {
  /** `varchar`. */
  dataType: string;
  /** `varchar(40)`, `bigint(20) unsigned zerofill`. */
  columnType: string;
  length: number | null;
  precision: number | null;
  scale: number | null;
  /** Digits of a second. */
  fraction: number | null;
  /** MariaDB's json is longtext with a constraint. */
  isJson: boolean;
}

/** What is taken: to be said once in a message that lists refusals. */
export const MYSQL_SUPPORTED_TYPES =
  'tinyint to bigint (unsigned too), decimal, float, double, bit, year, char, varchar, text, enum, set, json, uuid, date, ' +
  'time, datetime, timestamp, binary, varbinary and blob';

const INTEGERS: Readonly<Record<string, [signed: string, unsigned: string]>> = {
  tinyint: ['smallint', 'smallint'],
  smallint: ['smallint', 'integer'],
  mediumint: ['integer', 'integer'],
  int: ['integer', 'bigint'],
  bigint: ['bigint', 'numeric(20,0)'],
};
const KINDS = { smallint: 'int16', integer: 'int32', bigint: 'int64' } as const;

const REMEDIES: Readonly<Record<string, string>> = {
  geometry: 'add a generated column with ST_AsText(…)',
  inet4: 'store it as text',
  inet6: 'store it as text',
  vector: 'store it as json',
};

export function mapMysqlType(column: MysqlColumn): MappedType {
  const mapped = mapPlain(column);
  if (mapped) return { ok: mapped };
  const spatial = /geometry|point|linestring|polygon/.test(column.dataType) ? REMEDIES['geometry'] : undefined;
  const remedy = spatial ?? REMEDIES[column.dataType];
  return { error: `type ${column.columnType} is not supported${remedy === undefined ? '' : ` (${remedy})`}` };
}

function mapPlain({ dataType, columnType, length, precision, scale, fraction, isJson }: MysqlColumn) {
  const unsigned = columnType.includes('unsigned');
  const integer = Object.hasOwn(INTEGERS, dataType) ? INTEGERS[dataType]?.[unsigned ? 1 : 0] : undefined;
  if (integer !== undefined) return ofSqlType(integer);
  const seconds = fraction ?? 0;
  switch (dataType) {
    case 'year':
      return ofSqlType('smallint');
    case 'bit':
      if (precision === 1) return { type: { kind: 'boolean' }, sqlType: 'boolean' } satisfies Mapped;
      return ofSqlType(precision === 64 ? 'numeric(20,0)' : 'bigint');
    case 'decimal': {
      const type = { kind: 'decimal', precision: precision ?? 10, scale: scale ?? 0 } as const;
      return { type, sqlType: `numeric(${type.precision},${type.scale})` } satisfies Mapped;
    }
    case 'float':
      return { type: { kind: 'float32' }, sqlType: 'real' } satisfies Mapped;
    case 'double':
      return { type: { kind: 'float64' }, sqlType: 'double precision' } satisfies Mapped;
    case 'char':
    case 'varchar':
      return {
        type: { kind: 'text' },
        sqlType: length === null || length === 0 ? 'text' : `character varying(${length})`,
      } satisfies Mapped;
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
      return isJson ? JSON_TYPE : ({ type: { kind: 'text' }, sqlType: 'text' } satisfies Mapped);
    case 'enum':
    case 'set':
      return { type: { kind: 'text' }, sqlType: 'text' } satisfies Mapped;
    case 'json':
      return JSON_TYPE;
    case 'uuid':
      return { type: { kind: 'uuid' }, sqlType: 'uuid' } satisfies Mapped;
    case 'date':
      return { type: { kind: 'date' }, sqlType: 'date' } satisfies Mapped;
    case 'time':
      return { type: { kind: 'time' }, sqlType: `time(${seconds}) without time zone` } satisfies Mapped;
    case 'datetime':
      return { type: { kind: 'timestamp' }, sqlType: `timestamp(${seconds}) without time zone` } satisfies Mapped;
    case 'timestamp':
      return { type: { kind: 'timestamptz' }, sqlType: `timestamp(${seconds}) with time zone` } satisfies Mapped;
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return { type: { kind: 'bytea' }, sqlType: 'bytea' } satisfies Mapped;
    default:
      return null;
  }
}

interface Mapped {
  type: ColumnType;
  sqlType: string;
}

const JSON_TYPE: Mapped = { type: { kind: 'json' }, sqlType: 'json' };

function ofSqlType(sqlType: string): Mapped {
  if (sqlType === 'numeric(20,0)') return { type: { kind: 'decimal', precision: 20, scale: 0 }, sqlType };
  return { type: { kind: KINDS[sqlType as keyof typeof KINDS] }, sqlType };
}

/** Why a column cannot be a key's, or null. */
export function mysqlKeyRefusal({ dataType, isJson }: Pick<MysqlColumn, 'dataType' | 'isJson'>): string | null {
  if (dataType === 'enum' || dataType === 'set')
    return `a key column cannot be of type ${dataType}: MySQL sorts it by number and compares it as text`;
  if (dataType === 'float' || dataType === 'double')
    return `a key column cannot be of type ${dataType}: MySQL does not find its values by what it prints`;
  if (dataType === 'json' || isJson)
    return 'a key column cannot be of type json: equal values may be written differently';
  return null;
}
