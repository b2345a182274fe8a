/**
 * A table of every supported type with the values that break pipelines, on a real PostgreSQL. Row n takes the n-th value
 * of every column (cyclic, so that columns of different counts meet in many combinations).
 */
import { Writable, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import type { Column, TableShape } from '../../contracts/columns.ts';
import { mapPostgresType, PG_TYPES_SQL, warehouseType, type PgType } from '../../formats/postgres-types.ts';
import { quoteIdent } from '../../formats/sql-names.ts';

const TEXTS = [
  `''`,
  `' '`,
  `'NULL'`,
  `'null'`,
  `'\\N'`,
  `'\\.'`,
  `'plain'`,
  `E'line\\nbreak\\r\\nand\\ttab'`,
  `'quote " and ''apostrophe'''`,
  `'back\\slash\\\\'`,
  `'emoji 😀 é ü 漢字'`,
  `E'\\x01\\x1f\\x7f\\x0b\\x08\\x0c'`,
  `U&'\\2028\\2029\\FEFF\\00A0\\FFFD'`,
  `'\\u0041 \\n not an escape'`,
  `'a,b;c{d}e[f]'`,
  `'"'`,
  `','`,
  `'[0:1]={1,2}'`,
  `'~'`,
  `'1:2'`,
  `'NaN'`,
  `'infinity'`,
  `repeat('long "text" \\ ', 3000)`,
];
const INTS = (max: string) => ['0', '1', '-1', max, `(-${max} - 1)`];
const NUMERICS = [`0`, `1.0`, `1.00`, `-0.5`, `'NaN'`, `123456789.125`, `0.01`, `-99999.99`];
const FLOATS = [
  `'NaN'`,
  `'Infinity'`,
  `'-Infinity'`,
  `'-0'`,
  `0`,
  `1`,
  `100`,
  `0.1`,
  `-1.5`,
  `1e6`,
  `123456.7`,
  `1234567`,
  `1e14`,
  `1e15`,
  `1.234567e15`,
  `9.999999e15`,
  `1e16`,
  `1e20`,
  `1e-4`,
  `1e-5`,
  `1.5e-7`,
  `3.4028235e38`,
  `1e-37`,
];
const DATES = [
  `'2024-03-01'`,
  `'1969-12-31'`,
  `'1900-02-28'`,
  `'0001-01-01'`,
  `'0044-03-15 BC'`,
  `'4713-01-01 BC'`,
  `'9999-12-31'`,
  `'12345-06-07'`,
  `'5874897-12-31'`,
  `'infinity'`,
  `'-infinity'`,
];
const TIMESTAMPS = (zone: string) => [
  `'2024-03-01 10:00:00${zone}'`,
  `'2024-03-01 10:00:00.123456${zone}'`,
  `'2024-03-01 10:00:00.1${zone}'`,
  `'1969-12-31 23:59:59.999999${zone}'`,
  `'1677-09-21 00:12:43.145224${zone}'`,
  `'2262-04-11 23:47:16.854776${zone}'`,
  `'0001-01-01 00:00:00${zone}'`,
  `'0044-03-15 12:00:00.5${zone} BC'`,
  `'9999-12-31 23:59:59.999999${zone}'`,
  `'12345-01-01 00:00:00${zone}'`,
  `'294276-12-31 23:59:59.999999${zone}'`,
  `'infinity'`,
  `'-infinity'`,
];
const JSONS = [
  `'{}'`,
  `'null'`,
  `'"text"'`,
  `'[1, 2.50, {"a":  null}]'`,
  `E'{"a":\\n 1.0,\\t"b": "x\\\\ny"}'`,
  `'{"n": 12345678901234567890.123456789}'`,
  `'{"deep": {"quote": "\\" \\\\ 😀"}}'`,
];
const BYTEAS = [`''`, `'\\x00'`, `'\\x00ff0a0d5c22'`, `decode(repeat('deadbeef', 500), 'hex')`];
const array = (type: string, ...literals: string[]) => literals.map((text) => `${text}::${type}[]`);

/** Column → SQL type and values; NULL is added to each but the key's. */
const COLUMNS: Record<string, [type: string, values: string[]]> = {
  'c "smallint"': ['smallint', INTS('32767')],
  c_int: ['integer', INTS('2147483647')],
  c_bigint: [
    'bigint',
    [
      ...INTS('9223372036854775807'),
      '999999999',
      '1000000000',
      '999999999999999',
      '1000000000000000',
      '9007199254740993',
    ],
  ],
  c_numeric: [
    'numeric',
    [...NUMERICS, `'Infinity'`, `'-Infinity'`, `1e40`, `1e-30`, `100`, `12345678901234567890.120`],
  ],
  c_numeric_12_2: ['numeric(12,2)', NUMERICS],
  c_numeric_16_4: ['numeric(16,4)', [...NUMERICS, `999999999999.9999`, `-999999999999.9999`]],
  c_numeric_38_10: ['numeric(38,10)', [...NUMERICS, `9999999999999999999999999999.9999999999`]],
  c_numeric_50_10: ['numeric(50,10)', [...NUMERICS, `1e39`, `12345678901234567890123456789012345678.0123456789`]],
  c_numeric_5_neg2: ['numeric(5,-2)', [`100`, `-1200`, `9999900`, `0`, `'NaN'`]],
  c_numeric_3_5: ['numeric(3,5)', [`0.00123`, `-0.00999`, `0`]],
  c_numeric_2_2: ['numeric(2,2)', [`0.5`, `-0.99`, `0`]],
  c_real: ['real', FLOATS],
  c_double: [
    'double precision',
    [...FLOATS, `1.7976931348623157e308`, `5e-324`, `9007199254740993`, `123456789012345.6`],
  ],
  c_text: ['text', TEXTS],
  c_varchar: ['varchar(40)', TEXTS.filter((text) => !text.startsWith('repeat'))],
  c_char: ['char(6)', [`'ab'`, `''`, `' x'`, `'😀'`, `'sixsix'`, `E'\\t'`]],
  c_bool: ['boolean', ['true', 'false']],
  c_date: ['date', DATES],
  c_time: ['time', [`'00:00:00'`, `'23:59:59.999999'`, `'24:00:00'`, `'10:00:00.5'`]],
  c_ts: ['timestamp', TIMESTAMPS('')],
  c_ts3: ['timestamp(3)', TIMESTAMPS('').slice(0, 9)],
  c_tstz: ['timestamptz', TIMESTAMPS('+00')],
  c_uuid: ['uuid', [`'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'`, `'00000000-0000-0000-0000-000000000000'`]],
  c_json: ['json', JSONS],
  c_jsonb: ['jsonb', JSONS],
  c_bytea: ['bytea', BYTEAS],
  c_enum: ['mood', [`'sad'`, `'so "so"'`, `'ok,\\'`]],
  a_int: [
    'integer[]',
    array('integer', `'{}'`, `'{1,NULL,-3}'`, `'{{1,2},{3,4}}'`, `'[0:1]={5,6}'`, `'[2:2][3:4]={{1,2}}'`),
  ],
  a_bigint: ['bigint[]', array('bigint', `'{9223372036854775807,-9223372036854775808,1,NULL}'`)],
  a_numeric: ['numeric[]', array('numeric', `'{1.0,1.00,NaN,NULL}'`, `'{1e40}'`, `'{1.10,2.20}'`)],
  a_numeric_12_2: ['numeric(12,2)[]', array('numeric(12,2)', `'{1,2.5,NULL}'`, `'{NaN}'`)],
  a_double: ['double precision[]', array('double precision', `'{1,-0,NaN,Infinity,1e20,NULL}'`, `'{100,1e15}'`)],
  a_real: ['real[]', array('real', `'{1,-0,NaN,0.1,1e6,NULL}'`)],
  a_text: [
    'text[]',
    [
      ...array('text', `'{}'`, `'{NULL,"NULL","",a}'`),
      `ARRAY['a"b','c\\d','e,f','{g}',E'h\\ni','😀',' j ']`,
      `ARRAY[['a','b'],['c',NULL]]`,
    ],
  ],
  a_char: ['char(3)[]', array('char(3)', `'{a,"b  ","",NULL}'`)],
  a_bool: ['boolean[]', array('boolean', `'{t,f,NULL}'`)],
  a_date: ['date[]', array('date', `'{2024-03-01,1969-12-31,NULL}'`, `'{infinity}'`, `'{"0044-03-15 BC"}'`)],
  a_time: ['time[]', array('time', `'{00:00:00,23:59:59.999999}'`, `'{24:00:00}'`)],
  a_ts: ['timestamp[]', array('timestamp', `'{"2024-03-01 10:00:00.5",NULL}'`, `'{infinity}'`)],
  a_tstz: ['timestamptz[]', array('timestamptz', `'{"2024-03-01 10:00:00.5+00",NULL}'`, `'{-infinity}'`)],
  a_uuid: ['uuid[]', array('uuid', `'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}'`)],
  a_json: ['json[]', [`ARRAY['{"a": "x,\\"y"}', NULL, 'null', '[1.0]']::json[]`]],
  a_jsonb: ['jsonb[]', [`ARRAY['{"a": "x,\\"y"}', NULL, 'null', '[1.0]']::jsonb[]`]],
  a_bytea: ['bytea[]', [`ARRAY['\\x00ff', '', NULL]::bytea[]`]],
  a_enum: ['mood[]', [`ARRAY['sad','so "so"','ok,\\',NULL]::mood[]`]],
};

export const HOSTILE_ROWS = 120;

/** Connects to the database the environment names. Fails loudly where none is named. */
export async function connect(schema: string): Promise<pg.Client> {
  const url = process.env['HEADRACE_CONNECTION_SALES'];
  if (!url) throw new Error('HEADRACE_CONNECTION_SALES is not set: these tests need a real PostgreSQL');
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`DROP SCHEMA IF EXISTS ${quoteIdent(schema)} CASCADE`);
  await client.query(`CREATE SCHEMA ${quoteIdent(schema)}`);
  await client.query(`SET search_path = ${quoteIdent(schema)}`);
  return client;
}

export async function disconnect(client: pg.Client, schema: string): Promise<void> {
  await client.query(`DROP SCHEMA ${quoteIdent(schema)} CASCADE`);
  await client.end();
}

/** Makes and fills the table `hostile`. Key: (id, key "part"). */
export async function createHostileTable(client: pg.Client): Promise<TableShape> {
  await client.query(`CREATE TYPE mood AS ENUM ('sad', 'so "so"', 'ok,\\')`);
  const names = Object.keys(COLUMNS);
  const declared = names.map((name) => `${quoteIdent(name)} ${COLUMNS[name]?.[0] ?? ''}`);
  await client.query(
    `CREATE TABLE hostile (id bigint, "key ""part""" text, ${declared.join(', ')}, PRIMARY KEY ("key ""part""", id))`,
  );
  for (let row = 0; row < HOSTILE_ROWS; row++) {
    const values = names.map((name) => {
      const all = ['NULL', ...(COLUMNS[name]?.[1] ?? [])];
      return all[row % all.length] ?? 'NULL';
    });
    const key = TEXTS[row % (TEXTS.length - 1)] ?? `''`; // all but the long one
    await client.query(`INSERT INTO hostile VALUES (${row - 3}, ${key}, ${values.join(', ')})`);
  }
  return describeTable(client, 'hostile', ['key "part"', 'id']);
}

export async function describeTable(client: pg.Client, table: string, key: string[]): Promise<TableShape> {
  const { rows: attributes } = await client.query<{ name: string; oid: number; typmod: number; notnull: boolean }>(
    `SELECT attname AS name, atttypid::int8::float8 AS oid, atttypmod AS typmod, attnotnull AS notnull
     FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum`,
    [table],
  );
  const { rows } = await client.query<PgType>(PG_TYPES_SQL, [attributes.map((attribute) => attribute.oid)]);
  const types = new Map(rows.map((row) => [row.oid, row]));
  const columns = attributes.map(({ name, oid, typmod, notnull }): Column => {
    const mapped = mapPostgresType(oid, typmod, types);
    if ('error' in mapped) throw new Error(`${name}: ${mapped.error}`);
    return { name, nullable: !notnull, ...mapped.ok };
  });
  return { columns, key };
}

/** Makes a second table of the shape, as the warehouse's DDL would. */
export async function createTarget(client: pg.Client, table: string, shape: TableShape): Promise<void> {
  const columns = shape.columns.map(
    (column) => `${quoteIdent(column.name)} ${warehouseType(column.type, column.sqlType)}`,
  );
  await client.query(`CREATE TABLE ${table} (${columns.join(', ')})`);
}

/** COPY's text format, as a source reads it. */
export async function copyOut(client: pg.Client, query: string): Promise<Buffer> {
  await client.query(
    `SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET bytea_output = 'hex'; SET extra_float_digits = 1`,
  );
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await pipeline(client.query(copyTo(`COPY (${query}) TO STDOUT`)), sink);
  return Buffer.concat(chunks);
}

export async function copyIn(client: pg.Client, into: string, csv: Readable): Promise<void> {
  await pipeline(csv, client.query(copyFrom(`COPY ${into} FROM STDIN (FORMAT csv)`)));
}
