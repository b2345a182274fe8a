import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { isFault } from '../../contracts/errors.ts';
import { PIPELINE_DEFAULTS } from '../../contracts/pipeline.ts';
import { loadPipeline } from '../../workers/config/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'headrace-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = join(folder, 'p.yaml');

/** The faults of a text, each line without the file's folder. */
function faultsOf(text: string, env: Record<string, string> = {}): string[] {
  writeFileSync(file, text);
  try {
    loadPipeline(file, env);
  } catch (error) {
    if (!isFault(error, 'ConfigInvalid')) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replace(`${file}:`, ''));
  }
  return [];
}

const GOOD = `name: p
source:
  connection: a
  table: t
topic:
  name: t
lake:
  bucket: lake
  prefix: raw/t
warehouse:
  connection: b
  table: mart.t
`;

/** GOOD with one line in another form; its line number stays. */
const withLine = (from: string, to: string): string => {
  expect(GOOD).toContain(from);
  return GOOD.replace(from, () => to);
};

describe('a pipeline file', () => {
  test('is a spec with defaults', () => {
    writeFileSync(file, GOOD);
    expect(loadPipeline(file, {})).toEqual({
      name: 'p',
      source: { connection: 'a', table: { schema: 'public', table: 't' }, chunkRows: 50_000, lanes: 4 },
      topic: { name: 't', partitions: PIPELINE_DEFAULTS.partitions },
      lake: { bucket: 'lake', prefix: 'raw/t', format: 'parquet', rotate: PIPELINE_DEFAULTS.rotate },
      warehouse: { connection: 'b', table: { schema: 'mart', table: 't' }, mode: 'upsert' },
    });
  });

  test('takes sizes, durations, quoted tables and every option', () => {
    writeFileSync(
      file,
      withLine(
        '  prefix: raw/t',
        '  prefix: /raw/t/\n  format: csv\n  rotate: { records: 10000, bytes: 64MiB, age: 45s }',
      )
        .replace(
          '  table: t\n',
          `  table: public."Odd ""Name"""\n  key: [a, b]\n  eventTime: at\n  chunkRows: 1000\n  lanes: 2\n`,
        )
        .replace('topic:\n', 'topic:\n  partitions: 12\n'),
    );
    expect(loadPipeline(file, {})).toMatchObject({
      source: {
        table: { schema: 'public', table: 'Odd "Name"' },
        key: ['a', 'b'],
        eventTime: 'at',
        chunkRows: 1000,
        lanes: 2,
      },
      topic: { partitions: 12 },
      lake: { prefix: 'raw/t', format: 'csv', rotate: { records: 10_000, bytes: 64 * 1024 * 1024, ageMs: 45_000 } },
    });
  });

  test.each([
    ['name: p', 'name: my pipe', '1:7: name: found "my pipe"; allowed: a name of'],
    ['  connection: a', '  conection: a', '3:3: source.conection: is not a key here; did you mean connection?'],
    [
      '  connection: a',
      '  colour: red\n  connection: a',
      '3:3: source.colour: is not a key here; allowed: connection, table',
    ],
    ['  table: t\n', '  table: t.\n', '4:10: source.table: t.: a name is missing at the end'],
    [
      '  table: t\n',
      '  table: t\n  lanes: many\n',
      '5:10: source.lanes: found "many"; allowed: a whole number from 1 to 64',
    ],
    ['  table: t\n', '  table: t\n  key: a\n', '5:8: source.key: found "a"; allowed: a list'],
    ['  table: t\n', '  table: t\n  key: [a, 3]\n', '5:12: source.key[1]: found 3; allowed: a column name, in quotes'],
    ['  table: t\n', '  table: t\n  key: [a, a]\n', '5:8: source.key: names a column twice'],
    ['  table: t\n', '  table: t\n  chunkRows: 1.5\n', '5:14: source.chunkRows: found 1.5; allowed: a whole number'],
    ['  name: t', '  name: ..', '6:9: topic.name: found ".."; allowed: a topic name'],
    ['  bucket: lake', '  bucket: Lake', '8:11: lake.bucket: found "Lake"; allowed: a bucket name'],
    ['  prefix: raw/t', '  prefix: raw/../t', '9:11: lake.prefix: found "raw/../t"; allowed: a path'],
    [
      '  prefix: raw/t',
      '  prefix: raw/t\n  format: avro',
      '10:11: lake.format: found "avro"; allowed: one of parquet, csv, jsonl',
    ],
    [
      '  prefix: raw/t',
      '  prefix: x\n  rotate: { age: 45 }',
      '10:18: lake.rotate.age: found 45; allowed: a duration with its unit',
    ],
    [
      '  prefix: raw/t',
      '  prefix: x\n  rotate: { bytes: 6 }',
      '10:20: lake.rotate.bytes: found 6; allowed: a size such as 64MiB, from 1KiB to 4GiB',
    ],
    [
      '  prefix: raw/t',
      '  prefix: x\n  rotate: { record: 6 }',
      '10:13: lake.rotate.record: is not a key here; did you mean records?',
    ],
    ['  bucket: lake', '  bucket: lake\n  bucket: lake2', '9:3: the key is there twice; keep one of the two'],
    ['  prefix: raw/t', '  prefix: "raw', 'is not YAML'],
    [
      '  table: mart.t',
      '  table: mart.t\n  mode: merge',
      '13:9: warehouse.mode: found "merge"; allowed: one of upsert, append, replace',
    ],
    ['  table: mart.t\n', '', '10:1: warehouse.table: is missing; allowed: a table as SQL writes it'],
    [
      'lake:\n  bucket: lake\n  prefix: raw/t\n',
      'lake:\n',
      '7:6: lake: is empty; allowed: a mapping of keys to values',
    ],
  ])('%j written as %j is told with its place', (from, to, expected) => {
    expect(faultsOf(withLine(from, to)).join('\n')).toContain(expected);
  });

  test('tells all faults at once, in the order of the file, each once', () => {
    const faults = faultsOf(
      GOOD.replace('name: p', 'nmae: p').replace('bucket: lake', 'bucket: L').replace('mart.t', '""'),
    );
    expect(faults.map((line) => line.split(' ')[0])).toEqual(['1:1:', '8:11:', '12:10:']);
  });

  test('an empty file and a missing one are told', () => {
    expect(faultsOf('')).toEqual([expect.stringContaining('holds no pipeline')]);
    expect(() => loadPipeline(join(folder, 'none.yaml'), {})).toThrow('none.yaml: there is no such file');
  });
});

describe('variables in a file', () => {
  const text = withLine('  name: t', '  name: ${TOPIC}').replace('topic:\n', 'topic:\n  partitions: ${PARTS:-3}\n');

  test('are put in, with defaults', () => {
    writeFileSync(file, text);
    expect(loadPipeline(file, { TOPIC: 'x' }).topic).toEqual({ name: 'x', partitions: 3 });
    expect(loadPipeline(file, { TOPIC: 'x', PARTS: '' }).topic.partitions).toBe(3);
    expect(loadPipeline(file, { TOPIC: 'x', PARTS: '8' }).topic.partitions).toBe(8);
  });

  test('cannot change the structure', () => {
    writeFileSync(file, text);
    expect(faultsOf(text, { TOPIC: 'x\n  partitions: 9' }).join()).toContain('7:9: topic.name: found `${TOPIC}`');
  });

  test('that are missing are told at the place of the reference, and nothing else about the value', () => {
    expect(faultsOf(text)).toEqual([
      '7:9: topic.name: the environment variable TOPIC is not set; set it, or give a default: ${TOPIC:-…}',
    ]);
    const later = withLine('  prefix: raw/t', '  prefix: "raw/${A}/${B}"');
    expect(faultsOf(later, { A: 'x' })).toEqual([
      expect.stringMatching(/^9:21: lake.prefix: the environment variable B/),
    ]);
  });

  test('are not shown in messages', () => {
    const [message = ''] = faultsOf(text, { TOPIC: 'hunter two' });
    expect(message).toContain('found `${TOPIC}` (its content is not shown)');
    expect(message).not.toContain('hunter');
  });

  test('are literal after a second dollar sign, and a broken reference is told', () => {
    expect(faultsOf(withLine('  name: t', '  name: $${TOPIC}'))[0]).toContain('found "${TOPIC}"');
    expect(faultsOf(withLine('  name: t', '  name: ${1x}'))[0]).toContain('6:9: topic.name: a ${ begins no reference');
    expect(faultsOf(withLine('  name: t', '  name: ${TOPIC'))[0]).toContain('a ${ begins no reference');
  });

  test('inside braces without quotes get a hint', () => {
    const flow = GOOD.replace('topic:\n  name: t', 'topic: { name: ${TOPIC} }');
    expect(faultsOf(flow, { TOPIC: 'x' })[0]).toContain('a reference must be in quotes');
  });
});

test.each([
  ['keep', undefined],
  ['{ moveTo: /Processed/ }', { moveTo: 'Processed' }],
  ['{ expireAfter: 30d }', { expireAfterMs: 30 * 86_400_000 }],
])('afterLoad: %s', (written, read) => {
  writeFileSync(file, GOOD.replace('prefix: raw/t', `prefix: raw/t\n  afterLoad: ${written}`));
  expect(loadPipeline(file).lake.afterLoad).toEqual(read);
});
