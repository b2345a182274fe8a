/**
 * Tables of every supported type with the values that break pipelines, for each database as a source. Row n takes the n-th
 * value of every column (cyclic, so that columns of different counts meet in many combinations).
 */

/** As bytes in hex, so that no dialect's quoting has a say. */
const TEXTS = [
  '',
  ' ',
  'NULL',
  'null',
  '\\N',
  '\\.',
  'plain',
  'Plain',
  'blank ',
  'line\nbreak\r\nand\ttab',
  `quote " and 'apostrophe'`,
  'back\\slash\\\\',
  'a",b',
  '"',
  '""',
  ',',
  ',"',
  'emoji 😀 é ü 漢字',
  '\x01\x1f\x7f\x0b\b\f',
  '\u2028\u2029\ufeff\u00a0\ufffd',
  '`tick`',
  '%_',
  'infinity',
  'long "text" \\ '.repeat(3000),
];
const hex = (text: string): string => `X'${Buffer.from(text).toString('hex')}'`;
const short = TEXTS.filter((text) => text.length <= 40);
const integers = (least: string, most: string): string[] => ['0', '1', least, most];
const FLOATS = ['0', '1', '-1.5', '0.1', '123456.7', '16777217', '1e20', '1e-5', '1.5e-7', '-1e-37', '3.4028234e38'];
const TIMES = ["'10:00:00'", "'00:00:00'", "'23:59:59.999999'", "'12:34:56.5'"];
const MOMENTS = [
  "'2024-03-01 10:00:00'",
  "'2024-03-01 10:00:00.123456'",
  "'2024-03-31 01:30:00.1'",
  "'1970-01-01 00:00:01'",
  "'2038-01-19 03:14:07.999999'",
];
const DATETIMES = [...MOMENTS, "'1000-01-01 00:00:00'", "'0001-01-01 00:00:00'", "'9999-12-31 23:59:59.999999'"];
const DATES = ["'2024-03-01'", "'2024-02-29'", "'1969-12-31'", "'0001-01-01'", "'9999-12-31'"];
const BYTES = ["X''", "X'00'", "X'00ff0a0d5c22'", `X'${'deadbeef'.repeat(500)}'`];
const JSONS = [
  '{}',
  'null',
  '[1, 2.50, {"a":  null}]',
  '{"n": 12345678901234567890.123456789}',
  '{"q": "\\" \\\\ 😀"}',
];

/** Column → type and values; NULL is added to each. */
type Columns = Readonly<Record<string, readonly [type: string, values: readonly string[]]>>;

export const MYSQL_COLUMNS: Columns = {
  'c tiny': ['tinyint', integers('-128', '127')],
  c_utiny: ['tinyint unsigned', integers('0', '255')],
  c_small: ['smallint', integers('-32768', '32767')],
  c_usmall: ['smallint unsigned', integers('0', '65535')],
  c_medium: ['mediumint', integers('-8388608', '8388607')],
  c_umedium: ['mediumint unsigned', integers('0', '16777215')],
  c_int: ['int', integers('-2147483648', '2147483647')],
  c_uint: ['int unsigned', integers('0', '4294967295')],
  c_big: ['bigint', [...integers('-9223372036854775808', '9223372036854775807'), '9007199254740993']],
  c_ubig: ['bigint unsigned', [...integers('9223372036854775808', '18446744073709551615'), '9007199254740993']],
  c_fill: ['int(8) unsigned zerofill', integers('42', '4294967295')],
  c_dec: ['decimal(12,2)', ['0', '1.00', '-0.50', '9999999999.99', '-0.01']],
  c_dec65: ['decimal(65,30)', ['0', '-12345678901234567890123456789012345.123456789012345678901234567891', '1e-30']],
  c_float: ['float', FLOATS],
  c_double: ['double', [...FLOATS, '1.7976931348623157e308', '9007199254740993', '0.1e0 + 0.2e0']],
  c_double2: ['double(10,2)', ['0', '3.4', '-1234567.89']],
  c_bit1: ['bit(1)', ["b'0'", "b'1'"]],
  c_bit9: ['bit(9)', ["b'0'", "b'111111111'", '0x22']],
  c_bit64: ['bit(64)', ['0', '18446744073709551615', '44']],
  c_year: ['year', ['0', '1901', '2024', '2155']],
  c_char: ['char(12)', ["'ab'", "''", "' x'", hex('😀é')]],
  'c "varchar", `': ['varchar(40)', short.map(hex)],
  c_latin: ['varchar(40) character set latin1 collate latin1_german1_ci', ["'é'", "'plain'", "''"]],
  c_text: ['longtext', TEXTS.map(hex)],
  c_tinytext: ['tinytext collate utf8mb4_general_ci', short.map(hex)],
  c_enum: ["enum('a','B','ü,x','')", ["'a'", "'B'", "'ü,x'", "''"]],
  c_set: ["set('x','y z')", ["''", "'x'", "'x,y z'"]],
  c_json: ['json', JSONS.map(hex)],
  c_uuid: ['uuid', ["'123e4567-e89b-12d3-a456-426614174000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"]],
  c_date: ['date', DATES],
  c_time: ['time(6)', [...TIMES, "'00:00:00.000001'"]],
  c_time0: ['time', ["'10:00:00'", "'23:59:59'"]],
  c_datetime: ['datetime(6)', DATETIMES],
  c_datetime3: ['datetime(3)', ["'2024-03-01 10:00:00.120'", "'2024-03-01 10:00:00'"]],
  c_timestamp: ['timestamp(6) null', MOMENTS],
  c_binary: ['binary(4)', ["X'00'", "X'ff000a00'", "''"]],
  c_varbinary: ['varbinary(300)', BYTES.slice(0, 3)],
  c_blob: ['longblob', BYTES],
};

/** Of PostgreSQL what MySQL can hold: no arrays, NaN, infinity, nor years BC or beyond 9999. */
export const POSTGRES_COLUMNS: Columns = {
  c_bool: ['boolean', ['true', 'false']],
  c_small: ['smallint', integers('-32768', '32767')],
  c_int: ['integer', integers('-2147483648', '2147483647')],
  c_big: ['bigint', integers('-9223372036854775808', '9223372036854775807')],
  c_numeric: ['numeric', ['0', '1.0', '1.00', '-0.5', '12345678901234567890.123456789', '1e-30', '1e34']],
  c_numeric_12_2: ['numeric(12,2)', ['0', '-0.5', '9999999999.99']],
  c_numeric_65_30: ['numeric(65,30)', ['0', '1e34', '-1e-30']],
  c_numeric_neg: ['numeric(5,-2)', ['100', '-1200', '9999900']],
  c_numeric_3_5: ['numeric(3,5)', ['0.00123', '-0.00999']],
  c_real: ['real', [...FLOATS, "'-0'"]],
  c_double: ['double precision', [...FLOATS, '1.7976931348623157e308', "'-0'", '9007199254740993']],
  c_text: ['text', TEXTS.map((text) => `convert_from('\\x${Buffer.from(text).toString('hex')}', 'UTF8')`)],
  c_varchar: ['varchar(40)', short.map((text) => `convert_from('\\x${Buffer.from(text).toString('hex')}', 'UTF8')`)],
  c_char: ['char(6)', ["'ab'", "''", "' x'", "'😀'", "'sixsix'"]],
  c_date: ['date', DATES],
  c_time: ['time', [...TIMES, "'24:00:00'"]],
  c_ts: ['timestamp', DATETIMES],
  c_ts3: ['timestamp(3)', DATETIMES.slice(0, 4)],
  c_tstz: ['timestamptz', DATETIMES.slice(0, -1).map((text) => text.replace(/'$/, "+00'"))],
  c_uuid: ['uuid', ["'123e4567-e89b-12d3-a456-426614174000'"]],
  c_json: ['json', JSONS.map((text) => `convert_from('\\x${Buffer.from(text).toString('hex')}', 'UTF8')::json`)],
  c_jsonb: ['jsonb', JSONS.map((text) => `convert_from('\\x${Buffer.from(text).toString('hex')}', 'UTF8')::jsonb`)],
  c_bytea: ['bytea', BYTES.map((text) => `decode('${text.slice(2, -1)}', 'hex')`)],
};

export const HOSTILE_ROWS = 60;

export interface HostileTable {
  create: string;
  insert: string;
}

/** @param table quoted; @param quote quotes a column's name; @param tail behind the table's columns */
export function hostileTable(
  columns: Columns,
  table: string,
  quote: (name: string) => string,
  tail = '',
): HostileTable {
  const all: Columns = {
    id: ['bigint', []],
    'key part': ['varchar(20)', ["'a'", "'A'", "'ä'", "' '", "'😀'"]],
    ...columns,
  };
  const names = Object.keys(all).map(quote);
  const types = Object.entries(all).map(
    ([name, [type]], place) => `${quote(name)} ${type}${place < 2 ? ' NOT NULL' : ''}`,
  );
  const rows = Array.from({ length: HOSTILE_ROWS }, (_, row) => {
    const values = Object.entries(all).map(([name, [, given]]) => {
      if (name === 'id') return String(row % 2 === 0 ? row : -row);
      const values = name === 'key part' ? given : [...given, 'NULL'];
      return values[row % values.length] ?? 'NULL';
    });
    return `(${values.join(', ')})`;
  });
  return {
    create: `CREATE TABLE ${table} (${types.join(', ')}, PRIMARY KEY (${quote('id')}, ${quote('key part')}))${tail}`,
    insert: `INSERT INTO ${table} (${names.join(', ')}) VALUES ${rows.join(', ')}`,
  };
}
