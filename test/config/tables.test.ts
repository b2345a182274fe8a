/** `tables:` in a pipeline file: a pipeline each, names made from the table's, every fault at its place and once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import { messageOf } from '../../contracts/errors.ts';
import { loadAll, loadEach } from '../../workers/config/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'headrace-tables-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'shop.yaml');
const settings = join(folder, 'headrace.yaml');
writeFileSync(
  settings,
  `connections:
  a: { url: postgres://u@db/a }
  b: { url: postgres://u@db/b }
  m: { url: mysql://u@db/m }
control: { url: postgres://u@db/c }
kafka: { brokers: [k:9092] }
s3: { region: r }
temporal: { address: t:7233 }
`,
);

const HEAD = `name: shop
source: { connection: a }
topic: { partitions: 3 }
lake: { bucket: lake, prefix: raw/shop }
warehouse: { connection: b, schema: mart }
`;
const specs = (text: string, table?: string): [string | null, PipelineSpec][] => {
  writeFileSync(file, text);
  const { pipelines } = loadEach(file, { path: settings, env: {}, table });
  return pipelines.map((each) => [each.table, each.spec]);
};
const faultsOf = (text: string, table?: string): string[] => {
  try {
    specs(text, table);
  } catch (error) {
    return messageOf(error)
      .split('\n')
      .map((line) => line.trim().replaceAll(`${file}:`, ''));
  }
  return [];
};

describe('a file with tables', () => {
  test('is a pipeline each, with names made from the table’s', () => {
    const [[name, orders] = [null, undefined], [, items] = [null, undefined], ...more] = specs(
      `${HEAD}tables: [orders, crm.items]\n`,
    );
    expect([name, more]).toEqual(['orders', []]);
    expect(orders).toMatchObject({
      name: 'shop.orders',
      source: { connection: 'a', table: { schema: 'public', table: 'orders' } },
      topic: { name: 'shop.orders', partitions: 3 },
      lake: { bucket: 'lake', prefix: 'raw/shop/orders' },
      warehouse: { table: { schema: 'mart', table: 'orders' }, mode: 'upsert' },
    });
    expect(items).toMatchObject({
      source: { table: { schema: 'crm', table: 'items' } },
      lake: { prefix: 'raw/shop/crm.items' },
      warehouse: { table: { schema: 'mart', table: 'items' } },
    });
  });

  test('an entry’s own settings come on top, and the schema completes names', () => {
    const [[, orders] = [null, undefined], [, items] = [null, undefined]] = specs(
      HEAD.replace('connection: a', 'connection: a, schema: crm, chunkRows: 500') +
        `tables:
  orders:
  items:
    source: { connection: m, table: Things, key: [id] }
    topic: { name: things }
    lake: { prefix: other/things, format: csv }
    warehouse: { mode: append }
    onBad: fail
`,
    );
    expect(orders).toMatchObject({ source: { table: { schema: 'crm', table: 'orders' }, chunkRows: 500 } });
    expect(items).toMatchObject({
      source: { table: { schema: 'm', table: 'Things' }, key: ['id'], chunkRows: 500 },
      topic: { name: 'things', partitions: 3 },
      lake: { prefix: 'other/things', format: 'csv' },
      warehouse: { table: { schema: 'mart', table: 'items' }, mode: 'append' },
      onBad: { mode: 'fail' },
    });
  });

  test('one of them by --table; which there are, where it is none', () => {
    expect(specs(`${HEAD}tables: [orders, items]\n`, 'items').map(([name]) => name)).toEqual(['items']);
    expect(faultsOf(`${HEAD}tables: [orders, items]\n`, 'item').join()).toContain(
      'has no table item; it has orders, items',
    );
    expect(() => loadAll(file, { path: settings, env: {} })).toThrow(/holds several tables.*--table \(orders, items\)/);
  });

  test('every fault is told at its place, and once', () => {
    const text = `name: shop
source: { connection: a }
topic: { partitions: 0, name: x }
lake: { bucket: lake, prefix: shop }
warehouse: { connection: b, schema: mart }
tables:
  customers:
    sorce: { table: x }
    name: own
  a b: {}
  items:
    source: { table: "a.b.c" }
    topic: { partitions: 2 }
    warehouse: { mode: "\${MODE}" }
  lists: [1]
`;
    expect(faultsOf(text.replace('    name: own\n', '')).slice(1)).toEqual([
      '3:22: tables.customers.topic.partitions: found 0; allowed: a whole number from 1 to 10,000',
      '3:31: topic.name: would be the same for all tables; give it under tables, as tables.NAME.topic.name',
      '8:5: tables.customers.sorce: is not a key here; allowed: name, source, replay, topic, lake, warehouse, onBad',
      '9:8: tables.a b: is no name of a table: letters, digits, dots, dashes and underscores',
      '11:22: tables.items.source.table: a.b.c: has 3 parts; write schema.table',
      '13:25: tables.items.warehouse.mode: the environment variable MODE is not set; set it, or give a default: ${MODE:-…}',
      "14:10: tables.lists: allowed: a mapping of the table's own settings, or nothing",
    ]);
    expect(faultsOf(text).join('\n')).toContain('9:11: tables.customers.name: is the file’s'.replace('’', "'"));
  });

  test('a mistyped `tables` is the one fault of its file', () => {
    for (const word of ['tabels', 'table']) {
      expect(faultsOf(`${HEAD}${word}: [orders, items]\n`).slice(1)).toEqual([
        `6:1: ${word}: is not a key here; did you mean tables?`,
      ]);
    }
    expect(faultsOf(`${HEAD}table: orders\n`).join('\n')).toContain('table: is not a key here; allowed: name');
  });

  test('a fault above the tables is told once, of the file', () => {
    expect(faultsOf(`${HEAD.replace('partitions: 3', 'partitions: 0')}tables: [a, b, c]\n`).slice(1)).toEqual([
      '3:22: topic.partitions: found 0; allowed: a whole number from 1 to 10,000',
    ]);
    expect(faultsOf(`${HEAD.replace('connection: a', 'connection: z')}tables: [a, b, c]\n`).slice(1)).toEqual([
      expect.stringMatching(/^2:23: source.connection: z is not configured/),
    ]);
  });

  test('tables that would be in each other’s way are told', () => {
    const text = `${HEAD}tables:\n  a:\n  b:\n    lake: { prefix: raw/shop/a }\n    topic: { name: shop.a }\n`;
    expect(faultsOf(text).slice(1)).toEqual([
      "9:21: tables.b.lake.prefix: lake prefix lake/raw/shop/a is table a's already; give each its own",
      "10:20: tables.b.topic.name: topic shop.a is table a's already; give each its own",
    ]);
  });

  test.each([
    ['tables: []', 'names no table'],
    ['tables: orders', 'names no table'],
    ['tables: [orders, orders]', 'names orders twice'],
    ['tables: [1]', 'is no name of a table'],
  ])('%s is refused', (line, says) => {
    expect(faultsOf(`${HEAD}${line}\n`).join('\n')).toContain(says);
  });
});

describe('a table’s name is judged by the kind of its connection', () => {
  const pipeline = (source: string, warehouse: string): string => `name: t
source: { ${source} }
topic: { name: t }
lake: { bucket: lake, prefix: t }
warehouse: { ${warehouse} }
`;
  const é40 = 'é'.repeat(40); // 80 bytes, 40 characters

  test('what MySQL alone takes', () => {
    const [[, spec] = [null, undefined]] = specs(
      pipeline('connection: m, table: 9lives', `connection: m, table: '\`${é40}\`'`),
    );
    expect(spec).toMatchObject({
      source: { table: { schema: 'm', table: '9lives' } },
      warehouse: { table: { schema: 'm', table: é40 } },
    });
  });

  test('the same in PostgreSQL, and what neither takes', () => {
    const [, first, second] = faultsOf(pipeline('connection: a, table: 9lives', `connection: b, table: '"${é40}"'`));
    expect(first).toMatch(/^2:33: source\.table: 9lives: /);
    expect(second).toMatch(/^5:\d+: warehouse\.table: .* is longer than the 63 bytes PostgreSQL keeps/);
    expect(faultsOf(pipeline('connection: m, table: a b', 'connection: m, table: c')).join()).toMatch(
      /source\.table: a b: /,
    );
  });
});

test('what the form, the settings and the tables among themselves have against a file is told in one go', () => {
  const faults = faultsOf(`name: shop
source: { connection: aa }
topic: { partitions: 3 }
lake: { bucket: lake, prefix: raw/shop }
warehouse: { connection: b }
tables:
  orders: { topic: { partitions: none } }
  items: { topic: { name: t } }
  more: { topic: { name: t } }
`);
  const told = (pattern: RegExp): string[] => faults.filter((line) => pattern.test(line));
  expect(told(/partitions: found "none"/)).toHaveLength(1);
  expect(told(/source\.connection: aa is not configured/)).toHaveLength(1);
  expect(told(/topic t is table items's already/)).toHaveLength(1);
});
