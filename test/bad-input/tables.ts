/**
 * Tables that a user may point at. `@T` stands for the table's name, quoted; it is made by `input` and either refused with
 * such words or works from end to end: planned, replayed, landed, loaded and found equal.
 */
import { quoteIdent } from '../../formats/sql-names.ts';
import type { Entry } from './entry.ts';

export interface TableEntry extends Entry {
  input: string;
  /** Absent where the table is refused. */
  rows?: number;
  /** Of the table; default: t. */
  table?: string;
}

const refused = (name: string, input: string, ...says: string[]): TableEntry => ({ name, input, says });
const works = (name: string, rows: number, input: string, table?: string): TableEntry => ({
  name,
  input,
  says: [],
  rows,
  ...(table === undefined ? {} : { table }),
});
/** A table of that name with two rows. */
const called = (what: string, table: string): TableEntry =>
  works(
    `a table called ${what}`,
    2,
    `CREATE TABLE @T (id int PRIMARY KEY, v text); INSERT INTO @T VALUES (1, 'a'), (2, NULL)`,
    table,
  );
/** A table with a key and columns of those names. */
const columns = (what: string, ...names: string[]): TableEntry =>
  works(
    `columns called ${what}`,
    1,
    `CREATE TABLE @T (${names.map((name, i) => `${quoteIdent(name)} int${i === 0 ? ' PRIMARY KEY' : ''}`).join(', ')});
     INSERT INTO @T VALUES (${names.map((_, i) => i).join(', ')})`,
  );
const typed = (type: string): TableEntry =>
  refused(
    `a column of type ${type}`,
    `CREATE TABLE @T (id int PRIMARY KEY, "the odd one" ${type})`,
    'column "the odd one"',
    'supported are',
    'to leave "the odd one" out, list the other columns in source.columns',
  );
const many = (count: number): string => Array.from({ length: count - 1 }, (_, i) => `c${i} int`).join(', ');

export const TABLES: readonly TableEntry[] = [
  refused('a table that is not there', 'SELECT 1', 'does not exist in the source'),
  refused('no key', 'CREATE TABLE @T (a int, b text)', 'it has no primary key', 'add one'),
  refused('no column', 'CREATE TABLE @T ()', 'it has no primary key'),
  refused(
    'a unique key that is not named',
    'CREATE TABLE @T (a int NOT NULL UNIQUE)',
    'no primary key',
    'source.key: (a)',
  ),
  refused(
    'a unique key of an expression',
    'CREATE TABLE @T (a text NOT NULL); CREATE UNIQUE INDEX ON @T (lower(a))',
    'no primary key',
  ),
  refused(
    'a unique key of some rows',
    'CREATE TABLE @T (a int NOT NULL); CREATE UNIQUE INDEX ON @T (a) WHERE a > 0',
    'no primary key',
  ),
  refused('a view', 'CREATE VIEW @T AS SELECT 1 AS id', 'is not a table (relkind v)', 'name a table'),
  refused('a materialized view', 'CREATE MATERIALIZED VIEW @T AS SELECT 1 AS id', 'is not a table (relkind m)'),
  refused('a sequence', 'CREATE SEQUENCE @T', 'is not a table (relkind S)'),
  refused(
    'a table that others inherit from',
    'CREATE TABLE @T (id int PRIMARY KEY); CREATE TABLE kid () INHERITS (@T)',
    'other tables inherit from it',
  ),
  refused(
    'a key that may compare equal to another',
    `CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false); CREATE TABLE @T (a text COLLATE any_case PRIMARY KEY)`,
    'nondeterministic collation',
  ),
  refused('a column called as the lineage', 'CREATE TABLE @T (id int PRIMARY KEY, _offset int)', '_offset'),
  refused(
    'a column called as the lineage in capitals',
    'CREATE TABLE @T (id int PRIMARY KEY, "_REPLAY" int)',
    '_REPLAY',
  ),
  refused('a column called as the overflow', 'CREATE TABLE @T (id int PRIMARY KEY, _overflow text)', '_overflow'),
  refused('columns that differ in case only', 'CREATE TABLE @T (id int PRIMARY KEY, name text, "Name" text)', 'case'),
  ...[
    'interval',
    'money',
    'inet',
    'cidr',
    'macaddr',
    'point',
    'polygon',
    'xml',
    'tsvector',
    'bit(3)',
    'varbit',
    'int4range',
    'int4multirange',
    'oid',
    'timetz',
    'pg_lsn',
    'jsonpath',
    'money[]',
    'regclass',
  ].map(typed),
  refused(
    'a column of a composite type',
    'CREATE TYPE pair AS (a int, b int); CREATE TABLE @T (id int PRIMARY KEY, p pair)',
    'column "p"',
  ),
  refused('a key of json', 'CREATE TABLE @T (j jsonb PRIMARY KEY)', 'key column "j"'),
  refused('a key of an array', 'CREATE TABLE @T (a int[] PRIMARY KEY)', 'key column "a"'),
  refused(
    'three faults at once',
    'CREATE TABLE @T (a point, b money, _chunk int)',
    'column "a"',
    'column "b"',
    'to leave "a", "b" out',
    '_chunk',
    'no primary key',
  ),
  works('no row', 0, 'CREATE TABLE @T (id int PRIMARY KEY, v text)'),
  works('only a key', 2, 'CREATE TABLE @T (id int PRIMARY KEY); INSERT INTO @T VALUES (1), (-1)'),
  works(
    'a column that was dropped',
    1,
    'CREATE TABLE @T (gone int, id int PRIMARY KEY, v text); INSERT INTO @T VALUES (1, 2, NULL); ALTER TABLE @T DROP COLUMN gone',
  ),
  works(
    'a generated column',
    2,
    'CREATE TABLE @T (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED); INSERT INTO @T VALUES (1), (2)',
  ),
  works(
    'a virtual generated column',
    2,
    'CREATE TABLE @T (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) VIRTUAL); INSERT INTO @T VALUES (1), (2)',
  ),
  works(
    'an identity',
    3,
    'CREATE TABLE @T (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int); INSERT INTO @T (v) VALUES (1), (2), (3)',
  ),
  works(
    'a serial with a check and a default',
    2,
    `CREATE TABLE @T (id bigserial PRIMARY KEY, v text DEFAULT 'x' CHECK (v <> '')); INSERT INTO @T DEFAULT VALUES; INSERT INTO @T DEFAULT VALUES`,
  ),
  works(
    'partitions by range',
    4,
    'CREATE TABLE @T (id int PRIMARY KEY, v text) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF @T FOR VALUES FROM (0) TO (10); CREATE TABLE p2 PARTITION OF @T DEFAULT; INSERT INTO @T SELECT i FROM generate_series(8, 11) i',
  ),
  works('partitions without any', 0, 'CREATE TABLE @T (id int PRIMARY KEY) PARTITION BY HASH (id)'),
  works(
    'a partition by itself',
    1,
    'CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY LIST (id); CREATE TABLE @T PARTITION OF whole FOR VALUES IN (1); INSERT INTO whole VALUES (1)',
  ),
  works(
    'a table that inherits',
    1,
    'CREATE TABLE base (id int, v text); CREATE TABLE @T (PRIMARY KEY (id)) INHERITS (base); INSERT INTO @T VALUES (1); INSERT INTO base VALUES (2)',
  ),
  works('an unlogged table', 1, 'CREATE UNLOGGED TABLE @T (id int PRIMARY KEY); INSERT INTO @T VALUES (1)'),
  works(
    'domains and enums',
    1,
    `CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TYPE mood AS ENUM ('so, "so"', ''); CREATE TABLE @T (id positive PRIMARY KEY, m mood); INSERT INTO @T VALUES (1, 'so, "so"')`,
  ),
  works(
    'an index with columns beside the key',
    1,
    'CREATE TABLE @T (id int, v text, PRIMARY KEY (id) INCLUDE (v)); INSERT INTO @T VALUES (1, NULL)',
  ),
  works(
    'row-level security that its owner does not feel',
    2,
    'CREATE TABLE @T (id int PRIMARY KEY); ALTER TABLE @T ENABLE ROW LEVEL SECURITY; INSERT INTO @T VALUES (1), (2)',
  ),
  works(
    '1,600 columns',
    1,
    `CREATE TABLE @T (id int PRIMARY KEY, ${many(1_600)}); INSERT INTO @T (id, c0, c1598) VALUES (1, 2, 3)`,
  ),
  works(
    'a key of 32 columns',
    1,
    `CREATE TABLE @T (${Array.from({ length: 32 }, (_, i) => `k${i} int`).join(', ')}, PRIMARY KEY (${Array.from({ length: 32 }, (_, i) => `k${31 - i}`).join(', ')})); INSERT INTO @T VALUES (${Array.from({ length: 32 }, (_, i) => i).join(', ')})`,
  ),
  columns(
    'by reserved words',
    'select',
    'from',
    'where',
    'order',
    'table',
    'user',
    'all',
    'null',
    'true',
    'end',
    'offset',
    'limit',
  ),
  columns('with quotes', 'a"b', `it's`, '""', '`', '\\', '\\n'),
  columns('with dots, blanks and brackets', 'a.b', ' ', 'a b ', '[0]', '{}', '$1', '%s', ';', '--', '/*', '*'),
  columns('with line breaks and tabs', 'a\nb', 'c\td', '\r'),
  columns('in other scripts', '😀', '\u00e9', 'e\u0301', '漢字', 'ß', 'Straße', '\u202e', '\ufeff', '\u00a0'),
  columns(
    'as the machinery calls its own',
    'o',
    'h',
    'x',
    'v',
    't',
    'escapes',
    'c0',
    'c1',
    'headrace',
    'ctid_',
    'key',
    'value',
    '_partition_',
    'row',
    'md5',
  ),
  columns('as JavaScript calls its own', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length'),
  columns('of 63 bytes', 'x'.repeat(63), `${'😀'.repeat(15)}abc`),
  called('of 63 bytes', 'y'.repeat(63)),
  called('by a reserved word', 'select'),
  called('with quotes', `a"b'c`),
  called('with dots and blanks', ' a.b c '),
  called('with an emoji', '😀 t'),
  called('with a line break', 'a\nb'),
  called('as SQL that drops it', 't"; DROP TABLE t; --'),
  called('with a backslash', 'a\\b'),
  called('with a percent sign', '%s%%'),
];
