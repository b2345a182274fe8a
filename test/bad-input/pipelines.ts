/** Pipeline files that must be refused, each with its place and the remedy. */
import type { Entry } from './entry.ts';

export interface BadPipeline extends Entry {
  /** A part of GOOD and what stands in its place; or the file as a whole. */
  input: { from: string; to: string } | { file: string | Buffer };
}

export const GOOD = `name: p
source:
  connection: sales
  table: t
topic:
  name: t
lake:
  bucket: lake
  prefix: raw/t
warehouse:
  connection: warehouse
  table: mart.t
`;

const name = (to: string) => ({ from: 'name: p', to: `name: ${to}` });
const table = (to: string) => ({ from: '  table: t\n', to: `  table: ${to}\n` });
const source = (line: string) => ({ from: '  table: t\n', to: `  table: t\n  ${line}\n` });
const topic = (to: string) => ({ from: '  name: t', to: `  name: ${to}` });
const bucket = (to: string) => ({ from: 'bucket: lake', to: `bucket: ${to}` });
const prefix = (to: string) => ({ from: 'prefix: raw/t', to: `prefix: ${to}` });
const lake = (line: string) => ({ from: '  prefix: raw/t', to: `  prefix: raw/t\n  ${line}` });
const rotate = (to: string) => lake(`rotate: ${to}`);
const first = (text: string) => ({ from: 'name: p', to: `${text}\nname: p` });

const NAME = '1:7: name: found';
const TABLE = '4:10: source.table:';
const BUCKET = '8:11: lake.bucket: found';
const PREFIX = '9:11: lake.prefix: found';
const AGE = 'lake.rotate.age: found';
const DURATION = 'a duration with its unit such as 45s';
const SIZE = 'a size such as 64MiB';
const DEEP = 20_000;
const ALIASES = [
  'a: &a [x,x,x,x,x,x,x,x,x]',
  'b: &b [*a,*a,*a,*a,*a,*a,*a,*a]',
  'c: &c [*b,*b,*b,*b,*b,*b,*b]',
  'd: [*c,*c,*c]',
];

export const BAD_PIPELINES: readonly BadPipeline[] = [
  { name: 'nothing', input: { file: '' }, says: ['holds no pipeline', 'name, source, topic, lake, warehouse'] },
  { name: 'only a comment', input: { file: '# soon\n' }, says: ['holds no pipeline'] },
  { name: 'a word', input: { file: 'hello' }, says: ['1:1: found "hello"', 'a mapping'] },
  { name: 'a list', input: { file: '- name: p\n' }, says: ['1:1: found a list', 'a mapping'] },
  {
    name: 'five megabytes of one word',
    input: { file: 'x'.repeat(5_000_000) },
    says: ['1:1: found "xxx', '(5000002 characters)'],
  },
  {
    name: 'UTF-16',
    input: { file: Buffer.from(`\ufeff${GOOD}`, 'utf16le') },
    says: ['is not UTF-8 text; save it as UTF-8'],
  },
  {
    name: 'Latin-1',
    input: { file: Buffer.from(GOOD.replace('raw/t', 'caf\xe9'), 'latin1') },
    says: ['is not UTF-8 text'],
  },
  {
    name: 'bytes of another program',
    input: { file: Buffer.from('504b0304140000000800ff', 'hex') },
    says: ['is not UTF-8 text'],
  },
  {
    name: 'lists in one another',
    input: { file: `name: ${'['.repeat(DEEP)}${']'.repeat(DEEP)}` },
    says: [':1:', 'is nested too deeply'],
  },
  {
    name: 'mappings in one another',
    input: { file: Array.from({ length: 3_000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n') },
    says: ['is nested too deeply'],
  },
  { name: 'aliases that multiply', input: first(ALIASES.join('\n')), says: ['holds aliases that multiply'] },
  {
    name: 'an alias of nothing',
    input: name('*nobody'),
    says: ['1:7: is not YAML: there is no anchor before it'],
  },
  { name: 'an alias of itself', input: name('&n [*n]'), says: ['1:10: name: found a list'] },
  { name: 'two documents', input: { file: `${GOOD}---\n${GOOD}` }, says: ['13:1: holds more than one document'] },
  { name: 'a tag that is not known', input: name('!name p'), says: ['1:7: the tag is not known; remove it'] },
  { name: 'a tag that runs code elsewhere', input: name('!!js/function "p"'), says: ['1:7: the tag is not known'] },
  { name: 'a quote that does not end', input: name('"p'), says: ['is not YAML'] },
  { name: 'tabs for blanks', input: { file: GOOD.replaceAll('  ', '\t') }, says: ['3:1: is not YAML: Tabs'] },
  { name: 'a key twice', input: first('name: q'), says: ['2:1: the key is there twice; keep one'] },
  { name: '__proto__ for a key', input: first('__proto__: { name: q }'), says: ['1:1: __proto__: is not a key here'] },
  { name: 'a list for a key', input: first('? [a, b]\n: c'), says: ['is not a key here'] },
  {
    name: 'a merge key',
    input: { from: '  connection: sales', to: '  <<: { connection: sales }' },
    says: ['source.<<: is not a key here', 'source.connection: is missing'],
  },
  {
    name: 'a key mistyped',
    input: { from: 'topic:', to: 'tpoic:' },
    says: ['5:1: tpoic: is not a key here; did you mean topic?'],
  },
  {
    name: 'a key of another tool',
    input: source('query: SELECT 1'),
    says: ['5:3: source.query: is not a key here; allowed: connection, table'],
  },
  {
    name: 'a secret in the wrong file',
    input: source('url: postgres://u:hush@h/x'),
    says: ['5:3: source.url: is not a key here'],
  },
  { name: 'a name with a slash', input: name('a/b'), says: [NAME, 'letters, digits'] },
  { name: 'a name with a line break', input: name('"p\\n"'), says: [NAME, '"p\\n"'] },
  { name: 'a name with a NUL', input: name('"p\\0"'), says: [NAME, 'letters, digits'] },
  { name: 'a name of 5,000 letters', input: name('p'.repeat(5_000)), says: [NAME, '(5002 characters)'] },
  { name: 'a name that is a number', input: name('5'), says: [NAME, 'letters, digits'] },
  { name: 'no name', input: { from: 'name: p\n', to: '' }, says: ['name: is missing'] },
  {
    name: 'a reference to nothing',
    input: name('${NOWHERE}'),
    says: ['1:7: name: the environment variable NOWHERE is not set'],
  },
  { name: 'a reference inside a reference', input: name('"${A:-${B}}"'), says: [NAME, '`${A:-${B}}`'] },
  {
    name: 'a table with SQL behind it',
    input: table('t; DROP TABLE x'),
    says: [TABLE, 'cannot be read from `; DROP TABLE x` on', 'public."Odd ""Name"""'],
  },
  {
    name: 'a table with a comment behind it',
    input: table('"t -- x"'),
    says: [TABLE, 'cannot be read from `-- x` on'],
  },
  { name: 'a table of three parts', input: table('a.b.c'), says: [TABLE, 'has 3 parts; write schema.table'] },
  { name: 'a table that ends with a dot', input: table('public.'), says: [TABLE, 'a name is missing at the end'] },
  { name: 'a table that begins with a digit', input: table('1t'), says: [TABLE, 'cannot be read'] },
  { name: 'a table whose quote does not end', input: table(`'"t'`), says: [TABLE, 'cannot be read'] },
  { name: 'a table without a name', input: table(`'""'`), says: [TABLE, 'must not be empty'] },
  { name: 'a table of 64 bytes', input: table('t'.repeat(64)), says: [TABLE, 'longer than the 63 bytes'] },
  { name: 'a table of 16 emoji', input: table(`'"${'😀'.repeat(16)}"'`), says: [TABLE, 'longer than the 63 bytes'] },
  { name: 'a table with a NUL', input: table('"\\"a\\0b\\""'), says: [TABLE, 'NUL'] },
  { name: 'no lanes', input: source('lanes: 0'), says: ['5:10: source.lanes: found 0', 'from 1 to 64'] },
  { name: 'too many lanes', input: source('lanes: 65'), says: ['source.lanes: found 65'] },
  { name: 'lanes without an end', input: source('lanes: .inf'), says: ['source.lanes: found Infinity'] },
  { name: 'lanes that are no number', input: source('lanes: .nan'), says: ['source.lanes: found NaN'] },
  { name: 'chunks of a row', input: source('chunkRows: 1'), says: ['5:14: source.chunkRows: found 1', 'from 100'] },
  { name: 'a key as text', input: source('key: a, b'), says: ['5:8: source.key: found "a, b"', 'a list'] },
  {
    name: 'a key without columns',
    input: source('key: []'),
    says: ['5:8: source.key: found an empty list; allowed: at least one column'],
  },
  { name: 'a key with a list in it', input: source('key: [[a]]'), says: ['5:9: source.key[0]: found a list'] },
  { name: 'a key with a column twice', input: source('key: [a, a]'), says: ['5:8: source.key: names a column twice'] },
  { name: 'an event time that is empty', input: source('eventTime: ""'), says: ['5:14: source.eventTime: found ""'] },
  {
    name: 'a connection that is an address',
    input: { from: 'sales', to: 'postgres://u:hush@h/x' },
    says: ['3:15: source.connection: found', '"postgres://…@h/x"', 'connections:'],
  },
  { name: 'a topic with a blank', input: topic('"a b"'), says: ['6:9: topic.name: found "a b"', '249'] },
  { name: 'a topic of 250 letters', input: topic('t'.repeat(250)), says: ['6:9: topic.name: found', '249'] },
  { name: 'a topic that is two dots', input: topic('..'), says: ['6:9: topic.name: found ".."'] },
  { name: 'a topic with a line break', input: topic('"t\\n"'), says: ['6:9: topic.name: found "t\\n"'] },
  {
    name: 'no partitions',
    input: { from: '  name: t', to: '  name: t\n  partitions: 0' },
    says: ['7:15: topic.partitions: found 0'],
  },
  { name: 'a bucket in capitals', input: bucket('Lake'), says: [BUCKET, '3 to 63 lower-case'] },
  { name: 'a bucket of two dots', input: bucket('la..ke'), says: [BUCKET, 'single dots'] },
  { name: 'a bucket that is an IP address', input: bucket('127.0.0.1'), says: [BUCKET, 'no IP address'] },
  { name: 'a bucket with its scheme', input: bucket('s3://lake'), says: [BUCKET, 'a bucket name'] },
  { name: 'a prefix that goes up', input: prefix('../../etc'), says: [PREFIX, 'a path in the bucket'] },
  { name: 'a prefix that goes up within', input: prefix('raw/../t'), says: [PREFIX, 'a path in the bucket'] },
  { name: 'a prefix of nothing', input: prefix('/'), says: [PREFIX, '"/"'] },
  { name: 'a prefix with an empty part', input: prefix('raw//t'), says: [PREFIX, '"raw//t"'] },
  { name: 'a prefix with a quote', input: prefix(`"raw'/t"`), says: [PREFIX, 'a path in the bucket'] },
  { name: 'a prefix with a wildcard', input: prefix('"raw/*"'), says: [PREFIX, 'a path in the bucket'] },
  { name: 'a prefix with a line break', input: prefix('"raw/t\\n"'), says: [PREFIX, 'a path in the bucket'] },
  { name: 'a prefix of 800 letters', input: prefix('p'.repeat(800)), says: [PREFIX, '(802 characters)'] },
  {
    name: 'a format that is none',
    input: lake('format: avro'),
    says: ['10:11: lake.format: found "avro"; allowed: one of parquet, csv, jsonl'],
  },
  {
    name: 'a compression that nothing has',
    input: lake('compression: lzo'),
    says: ['10:16: lake.compression: found "lzo"; allowed: one of zstd, snappy, none, gzip'],
  },
  {
    name: 'a compression that Parquet does not have here',
    input: lake('compression: gzip'),
    says: ['10:16: lake.compression: found "gzip"; allowed with format parquet: one of zstd, snappy, none'],
  },
  {
    name: 'snappy for text',
    input: lake('format: jsonl\n  compression: snappy'),
    says: ['11:16: lake.compression: found "snappy"; allowed with format jsonl: one of none, gzip, zstd'],
  },
  {
    name: 'a NULL marker with a comma',
    input: lake('format: csv\n  nullMarker: "a,b"'),
    says: ['11:15: lake.nullMarker: found "a,b"', 'without blanks, commas and double quotes'],
  },
  {
    name: 'a NULL marker for Parquet',
    input: lake('nullMarker: NULL'),
    says: ['10:15: lake.nullMarker:', 'empty'],
  },
  {
    name: 'a NULL marker in quotes for Parquet',
    input: lake('nullMarker: "NULL"'),
    says: ['10:15: lake.nullMarker: is for format csv; parquet has a NULL of its own: remove it'],
  },
  {
    name: 'partitions that are no list',
    input: lake('partitionBy: a'),
    says: ['10:16: lake.partitionBy: found "a"', 'a list'],
  },
  {
    name: 'an empty list of partition fields',
    input: lake('partitionBy: []'),
    says: ['lake.partitionBy: found an empty list', 'at least one field'],
  },
  {
    name: 'partitions by a week',
    input: lake('partitionBy: [week(d)]'),
    says: ['lake.partitionBy[0]: found "week(d)"', 'year, month, day or hour', 'day(ordered_at)'],
  },
  {
    name: 'partitions by a day of nothing',
    input: lake('partitionBy: [day()]'),
    says: ['lake.partitionBy[0]: found "day()"'],
  },
  {
    name: 'partitions by a number',
    input: lake('partitionBy: [1]'),
    says: ['lake.partitionBy[0]: found 1', 'a column'],
  },
  {
    name: 'five partition fields',
    input: lake('partitionBy: [a, b, c, d, e]'),
    says: ['lake.partitionBy: found a list', 'at most 4 fields'],
  },
  {
    name: 'one partition field twice',
    input: lake('partitionBy: [a, a]'),
    says: ['lake.partitionBy: names "a" twice; keep one'],
  },
  {
    name: 'a partition field of our own name',
    input: lake('partitionBy: [Topic]'),
    says: [`lake.partitionBy: "Topic" is a folder of Headrace's own`, 'choose another column'],
  },
  {
    name: 'names of objects that are too long',
    input: { from: 'prefix: raw/t', to: `prefix: ${'p'.repeat(700)}\n  partitionBy: [a, b]` },
    says: ['lake.partitionBy: with lake.prefix and 2 fields', 'S3 takes 1024', 'shorten the prefix'],
  },
  {
    name: 'a time zone without a time',
    input: lake('timeZone: UTC\n  partitionBy: [a]'),
    says: ['10:13: lake.timeZone: is for times in lake.partitionBy', 'remove it'],
  },
  {
    name: 'a time zone that is none',
    input: lake('timeZone: Europe/Atlantis\n  partitionBy: [day(a)]'),
    says: ['10:13: lake.timeZone: found "Europe/Atlantis"', 'such as Europe/Berlin'],
  },
  {
    name: 'a time zone by its distance',
    input: lake('timeZone: "+02:00"\n  partitionBy: [day(a)]'),
    says: ['lake.timeZone: found "+02:00"', 'such as Europe/Berlin'],
  },
  {
    name: 'onBad as a word that is none',
    input: first('onBad: ignore'),
    says: ['1:8: onBad: found "ignore"', 'deadLetter, fail, or a mapping with mode and most'],
  },
  {
    name: 'a rate in words',
    input: first('replay: { rate: fast }'),
    says: ['1:17: replay.rate: found "fast"', 'a whole number from 1 to 1,000,000,000, such as 20000/s'],
  },
  {
    name: 'afterLoad as a word that is none',
    input: lake('afterLoad: move'),
    says: ['10:14: lake.afterLoad: found "move"', 'keep, or a mapping with moveTo or expireAfter'],
  },
  {
    name: 'afterLoad without a choice',
    input: lake('afterLoad: {}'),
    says: ['10:14: lake.afterLoad: takes one of moveTo', 'expireAfter (such as 30d)'],
  },
  {
    name: 'afterLoad with both choices',
    input: lake('afterLoad: { moveTo: Processed, expireAfter: 30d }'),
    says: ['10:14: lake.afterLoad: takes one of moveTo'],
  },
  {
    name: 'a move out of the bucket',
    input: lake('afterLoad: { moveTo: ../other }'),
    says: ['10:24: lake.afterLoad.moveTo: found "../other"', 'a path in the bucket such as Processed'],
  },
  {
    name: 'a move to where objects are landed',
    input: lake('afterLoad: { moveTo: raw/t/Processed }'),
    says: ['10:24: lake.afterLoad.moveTo: "raw/t/Processed" would move objects to', 'choose another path'],
  },
  {
    name: 'objects that expire at once',
    input: lake('afterLoad: { expireAfter: 0s }'),
    says: ['10:29: lake.afterLoad.expireAfter: found', 'from 1s to 3650d'],
  },
  {
    name: 'an expiry without a unit',
    input: lake('afterLoad: { expireAfter: 30 }'),
    says: ['10:29: lake.afterLoad.expireAfter: found 30', DURATION],
  },
  {
    name: 'objects that expire under a table of appended rows',
    input: {
      from: 'prefix: raw/t\nwarehouse:',
      to: 'prefix: raw/t\n  afterLoad: { expireAfter: 30d }\nwarehouse:\n  mode: append',
    },
    says: ['10:29: lake.afterLoad.expireAfter: is for warehouse.mode upsert'],
  },
  {
    name: 'a misspelt choice of afterLoad',
    input: lake('afterLoad: { moveto: Processed }'),
    says: ['lake.afterLoad.moveto', 'moveTo'],
  },
  { name: 'an age without a unit', input: rotate('{ age: 45 }'), says: [AGE, DURATION] },
  { name: 'an age of nothing', input: rotate('{ age: 0s }'), says: [AGE, 'from 100ms to 1d'] },
  { name: 'an age before its time', input: rotate('{ age: -5s }'), says: [AGE, DURATION] },
  { name: 'an age without an end', input: rotate('{ age: 99999999999999999999d }'), says: [AGE, 'from 100ms to 1d'] },
  { name: 'an age in a unit that is none', input: rotate('{ age: 5w }'), says: [AGE, DURATION] },
  {
    name: 'a size too small',
    input: rotate('{ bytes: 6 }'),
    says: ['lake.rotate.bytes: found 6', 'from 1KiB to 4GiB'],
  },
  {
    name: 'a size of an inherited unit',
    input: rotate('{ bytes: 64constructor }'),
    says: ['lake.rotate.bytes:', SIZE],
  },
  { name: 'records by halves', input: rotate('{ records: 1.5 }'), says: ['lake.rotate.records: found 1.5'] },
  { name: 'a rotation that is a list', input: rotate('[1]'), says: ['10:11: lake.rotate: found a list'] },
  { name: 'a rotation that is empty', input: rotate(''), says: ['lake.rotate: is empty'] },
  {
    name: 'a mode that is none',
    input: { from: 'mart.t', to: 'mart.t\n  mode: merge' },
    says: ['13:9: warehouse.mode: found "merge"; allowed: one of upsert, append, replace'],
  },
  {
    name: 'a way with new columns that is none',
    input: { from: 'mart.t', to: 'mart.t\n  schemaChange: drop' },
    says: ['13:17: warehouse.schemaChange: found "drop"; allowed: one of refuse, add'],
  },
  {
    name: 'no warehouse',
    input: { from: 'warehouse:\n  connection: warehouse\n  table: mart.t\n', to: '' },
    says: ['warehouse: is missing'],
  },
  {
    name: 'a connection that nothing reaches',
    input: { from: 'connection: warehouse', to: 'connection: warehose' },
    says: [
      '11:15: warehouse.connection: warehose is not configured; did you mean warehouse?',
      'HEADRACE_CONNECTION_WAREHOSE',
    ],
  },
  {
    name: 'the source itself for a warehouse',
    input: { from: 'connection: warehouse\n  table: mart.t', to: 'connection: sales\n  table: public.T' },
    says: ['12:10: warehouse.table: is the table that source.table reads', 'name another'],
  },
  {
    name: 'tables that are none',
    input: { from: 'mart.t\n', to: 'mart.t\ntables: 3\n' },
    says: ['13:9: tables: names no table', '4:10: source.table: would be the same for all tables'],
  },
  {
    name: 'a table of a name that leads elsewhere',
    input: { file: 'name: p\ntables:\n  ../x: {}\n  __proto__: { a: 1 }\n' },
    says: ['tables.../x: is no name of a table'],
  },
];
