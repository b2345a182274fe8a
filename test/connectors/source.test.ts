/**
 * The source port's contract, on every adapter: what a table is, where its chunks end, which rows a range, a window or a filter
 * has, in which order and in which words; nothing is written, and a reader that stops stops the server.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CopyRange, Source, SourceTable } from '../../activities/ports/source.ts';
import type { Key, TableName } from '../../contracts/columns.ts';
import { messageOf } from '../../contracts/errors.ts';
import { createCopyRows } from '../../formats/copy-rows.ts';
import { unique } from '../load/services.ts';
import { KINDS, openTestDatabase, type TestDatabase } from './databases.ts';

const MIB = 1024 * 1024;

describe.each(KINDS)('a source on %s', (kind) => {
  let database: TestDatabase;
  let source: Source;
  const sql = (text: string) => database.source.sql(text);

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    source = database.source.open();
  });
  afterAll(() => database.close());

  /** Makes a table. @returns its name, and it in SQL */
  async function make(columns: string): Promise<{ name: TableName; shown: string }> {
    const name = { schema: database.source.schema, table: unique('t') };
    const shown = `${name.schema}.${name.table}`;
    await sql(`CREATE TABLE ${shown} (${columns})`);
    return { name, shown };
  }

  async function describeOf(name: TableName, eventTime?: string): Promise<SourceTable> {
    const { shape } = await source.describe(name, undefined, eventTime);
    return { name, shape, ...(eventTime === undefined ? {} : { eventTime }) };
  }

  async function read(table: SourceTable, range: Partial<CopyRange> & { upTo: Key }, by = source): Promise<string[]> {
    const parts: Buffer[] = [];
    for await (const part of await by.copy(table, { after: null, scope: {}, ...range })) parts.push(part);
    const text = Buffer.concat(parts).toString();
    expect(text === '' || text.endsWith('\n')).toBe(true);
    return text.split('\n').slice(0, -1);
  }

  describe('describes a table', () => {
    it('its columns in order, their kinds, what may be NULL, and the key in index order', async () => {
      const { decimal, moment } = database.words;
      const { name, shown } = await make(
        `b ${database.words.keyText} NOT NULL, a int NOT NULL, at ${moment}, price ${decimal(12, 2)}, n varchar(20) NOT NULL, PRIMARY KEY (a, b)`,
      );
      const { shape, estimatedRows } = await source.describe(name);
      const columns = shape.columns.map(({ name: column, type, nullable }) => [column, type, nullable]);
      expect(columns).toEqual([
        ['b', { kind: 'text' }, false],
        ['a', { kind: 'int32' }, false],
        ['at', { kind: 'timestamp' }, true],
        ['price', { kind: 'decimal', precision: 12, scale: 2 }, true],
        ['n', { kind: 'text' }, false],
      ]);
      expect(shape.columns[4]?.sqlType).toBe('character varying(20)');
      expect(shape.key).toEqual(['a', 'b']);
      expect(estimatedRows).toBe(0);
      await sql(`ALTER TABLE ${shown} ADD UNIQUE (n)`);
      expect((await source.describe(name, ['n'])).shape.key).toEqual(['n']);
    });

    it('of columns asked for those, with key and event time; one that is not there is refused', async () => {
      const { unsupported, moment } = database.words;
      const { name } = await make(`x ${unsupported}, a int, at ${moment}, id int PRIMARY KEY`);
      const { shape } = await source.describe(name, undefined, 'at', ['a']);
      expect(shape.columns.map((column) => column.name)).toEqual(['a', 'at', 'id']);
      const refused = source.describe(name, undefined, undefined, ['gone']);
      await expect(refused).rejects.toMatchObject({ code: 'TableUnsuited' });
      await expect(refused).rejects.toThrow('gone');
    });

    it('and refuses what it cannot read, every fault in one', async () => {
      await expect(source.describe({ schema: database.source.schema, table: 'no_such' })).rejects.toMatchObject({
        code: 'TableMissing',
      });
      const { name } = await make(`id int, x ${database.words.unsupported}, "_Offset" int`);
      const refused = source.describe(name, undefined, 'id');
      await expect(refused).rejects.toMatchObject({ code: 'TableUnsuited' });
      const message = await refused.catch(messageOf);
      for (const part of ['no primary key', '"x"', '_Offset', 'source.eventTime']) expect(message).toContain(part);
      const nullable = await make('id int PRIMARY KEY, other int, UNIQUE (other)');
      await expect(source.describe(nullable.name, ['other'])).rejects.toThrow('may be NULL');
    });
  });

  describe('finds bounds', () => {
    const texts = ['', ' ', 'a', 'A', 'a ', 'ä', '\\', "'", '"', '😀', 'zz'];

    async function composite(): Promise<{ table: SourceTable; ordered: Key[]; lines: string[] }> {
      const { name, shown } = await make(
        `b ${database.words.keyText} NOT NULL, a smallint NOT NULL, c ${database.words.decimal(9, 2)} NOT NULL, PRIMARY KEY (a, b, c)`,
      );
      const ordered = [-1, 0, 7].flatMap((a) =>
        [...texts]
          .sort((one, two) => Buffer.compare(Buffer.from(one), Buffer.from(two)))
          .flatMap((b) => ['-1.00', '0.50', '10.00'].map((c) => [String(a), b, c])),
      );
      const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
      const values = [...ordered]
        .reverse()
        .map(
          ([a = '', b = '', c = '']) => `(${quote(kind === 'mariadb' ? b.replaceAll('\\', '\\\\') : b)}, ${a}, ${c})`,
        );
      await sql(`INSERT INTO ${shown} VALUES ${values.join(', ')}`);
      const lines = ordered.map(([a = '', b = '', c = '']) => [b.replaceAll('\\', '\\\\'), a, c].join('\t'));
      return { table: await describeOf(name), ordered, lines };
    }

    it.each([1, 4, 33, 1000])('chunks of %d keys cover every key once, in the order of the index', async (size) => {
      const { table, ordered, lines } = await composite();
      const upper = await source.upperKey(table);
      expect(upper).toEqual(ordered.at(-1));
      const found: string[] = [];
      let after: Key | null = null;
      for (let at = size; upper !== null; at += size) {
        const end: Key | null = await source.chunkEnd(table, after, upper, size);
        if (end === null) break;
        expect(end).toEqual(ordered[Math.min(at, ordered.length) - 1]);
        found.push(...(await read(table, { after, upTo: end })));
        after = end;
      }
      expect(found).toEqual(lines);
    });

    it('no key of an empty table, none above the upper one, and of keys asked for those that are there', async () => {
      const { name, shown } = await make('id bigint PRIMARY KEY');
      const table = await describeOf(name);
      expect(await source.upperKey(table)).toBeNull();
      expect(await source.keyAt(table, { after: null, upTo: null, scope: {} }, 0)).toBeNull();
      await sql(`INSERT INTO ${shown} SELECT seq FROM ${database.words.series(20)}`);
      expect(await source.upperKey(table, [['5'], ['3'], ['99']])).toEqual(['5']);
      expect(await source.upperKey(table, [['99']])).toBeNull();
      expect(await source.chunkEnd(table, ['10'], ['10'], 5)).toBeNull();
      expect(await source.chunkEnd(table, null, ['10'], 2, [['4'], ['7'], ['9'], ['15']])).toEqual(['7']);
      expect(await source.chunkEnd(table, ['7'], ['10'], 2, [['4'], ['7'], ['9'], ['15']])).toEqual(['10']);
      const range = { after: ['2'], upTo: ['12'], scope: { where: 'id % 2 = 0' } };
      expect(await source.keyAt(table, range, 1)).toEqual(['6']);
      expect(await source.keyAt(table, range, 1, 'last')).toEqual(['10']);
      expect(await source.keyAt(table, range, 5)).toBeNull();
    });
  });

  describe('reads', () => {
    it('every kind of value, in COPY’s text, equal to what was written', async () => {
      const { moment, decimal } = database.words;
      const { name, shown } = await make(
        `id int PRIMARY KEY, t varchar(99), n ${decimal(20, 4)}, d date, at ${moment}, h time(6), f double precision, s smallint, big bigint`,
      );
      const backslash = kind === 'mariadb' ? '\\\\' : '\\';
      await sql(
        `INSERT INTO ${shown} VALUES
         (1, '', -1.5, '0001-01-01', '2024-02-29 23:59:59.000001', '00:00:00.1', 1e-5, -32768, 9223372036854775807),
         (2, 'tab\tline\nreturn\r${backslash}é😀', 1234567890123456.7891, '9999-12-31', '1969-12-31 00:00:00', '23:59:59', 0, 0, -1),
         (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
      );
      const table = await describeOf(name);
      const lines = await read(table, { upTo: ['3'] });
      expect(lines[2]).toBe(`3${'\t\\N'.repeat(8)}`);
      const records: unknown[] = [];
      const rows = createCopyRows(table.shape, { partitions: 1 });
      rows.push(Buffer.from(lines.map((line) => `${line}\n`).join('')), (_, value) => {
        records.push(JSON.parse(value.toString('utf8').replace(/(\d{16,})(?=[,}])/, '"$1"')));
        return true;
      });
      rows.finish();
      const nothing = { t: null, n: null, d: null, at: null, h: null, f: null, s: null, big: null };
      expect(records).toEqual([
        {
          ...{ id: 1, t: '', n: '-1.5000', d: '0001-01-01', at: '2024-02-29T23:59:59.000001', h: '00:00:00.1' },
          ...{ f: 0.00001, s: -32768, big: '9223372036854775807' },
        },
        {
          ...{ id: 2, t: 'tab\tline\nreturn\r\\é😀', n: '1234567890123456.7891', d: '9999-12-31' },
          ...{ at: '1969-12-31T00:00:00', h: '23:59:59', f: 0, s: 0, big: -1 },
        },
        { id: 3, ...nothing },
      ]);
    });

    it('the rows of a range, a window, a filter, some keys, and no more than the limit, in key order', async () => {
      const { name, shown } = await make(`id int PRIMARY KEY, at ${database.words.moment}, country varchar(9)`);
      await sql(
        `INSERT INTO ${shown} SELECT seq, CASE WHEN seq % 10 = 0 THEN NULL WHEN seq < 50 THEN TIMESTAMP '2024-03-01 00:00:00' ELSE TIMESTAMP '2024-03-02 12:00:00' END,
           CASE WHEN seq % 2 = 0 THEN 'US' ELSE 'UK' END FROM ${database.words.series(99)}`,
      );
      const table = await describeOf(name, 'at');
      const ids = async (range: Partial<CopyRange>) =>
        (await read(table, { upTo: ['99'], ...range })).map((line) => Number(line.split('\t')[0]));
      const all = Array.from({ length: 99 }, (_, i) => i + 1);
      expect(await ids({ after: ['3'], upTo: ['7'] })).toEqual([4, 5, 6, 7]);
      expect(await ids({ after: ['90'], limit: 3 })).toEqual([91, 92, 93]);
      const us = { where: `country = 'US' -- a comment ends nothing` };
      expect(await ids({ upTo: ['9'], scope: us })).toEqual([2, 4, 6, 8]);
      expect(await ids({ scope: { keys: [['5'], ['70'], ['500']] } })).toEqual([5, 70]);
      const late = all.filter((id) => id >= 50 && id % 10 !== 0);
      expect(await ids({ scope: { from: '2024-03-02' } })).toEqual(late);
      expect(await ids({ scope: { from: '2024-03-02T12:00:00', to: '2024-03-02T12:00:01' } })).toEqual(late);
      expect(await ids({ scope: { to: '2024-03-02 12:00:00' } })).toEqual(all.filter((id) => id < 50 && id % 10 !== 0));
      expect(await ids({ scope: { from: '2024-03-02T12:00:00.000001' } })).toEqual([]);
      const both = { from: '2024-03-02', ...us };
      expect(await ids({ after: ['60'], scope: both, limit: 2 })).toEqual([62, 64]);
      expect(await source.countNullEventTime(table)).toBe(9);
      expect(await source.countNullEventTime(table, { where: 'id > 50' })).toBe(4);
      expect(await source.windowBounds(table, { from: '2024-03-02' })).toEqual({ first: ['51'], last: ['99'] });
      expect(await source.windowBounds(table, { from: '2025-01-01' })).toBeNull();
      expect((await source.lookAtWindow(table, { from: '2024-03-02' })).index).toBeNull();
      await sql(`CREATE INDEX ${name.table}_at ON ${shown} (at)`);
      expect((await source.lookAtWindow(table, { from: '2024-03-02' })).index).toBe(`${name.table}_at`);
    });

    it('in the order of event time and key where it is told so, without the rows that have none', async () => {
      const { name, shown } = await make(`id int PRIMARY KEY, at ${database.words.moment}`);
      await sql(
        `INSERT INTO ${shown} VALUES (1, '2024-01-03'), (2, '2024-01-02'), (3, NULL), (4, '2024-01-01'), (5, '2024-01-02')`,
      );
      const table = { ...(await describeOf(name, 'at')), order: ['at', 'id'] };
      const upTo = await source.upperKey(table);
      expect(upTo?.[1]).toBe('1');
      const ids = async (range: Partial<CopyRange>) =>
        (await read(table, { upTo: upTo ?? [], ...range })).map((line) => line.split('\t')[0]);
      expect(await ids({})).toEqual(['4', '2', '5', '1']);
      const second = await source.chunkEnd(table, null, upTo ?? [], 2);
      expect(second?.[1]).toBe('2');
      expect(await ids({ after: second })).toEqual(['5', '1']);
    });

    it('only what is asked of it: a table that lost a column since is refused by name', async () => {
      const { name, shown } = await make('id int PRIMARY KEY, kept int, gone int');
      const table = await describeOf(name);
      await sql(`INSERT INTO ${shown} VALUES (1, 1, 1)`);
      await sql(`ALTER TABLE ${shown} DROP COLUMN gone`);
      const failed = read(table, { upTo: ['1'] });
      await expect(failed).rejects.toMatchObject({ code: 'SourceChanged' });
      await expect(failed).rejects.toThrow('gone');
    });

    if (kind === 'postgres')
      it('a bound whose label has another name by now: the source has changed', async () => {
        const label = unique('colour');
        await sql(`CREATE TYPE ${label} AS ENUM ('red', 'green')`);
        const { name, shown } = await make(`c ${label}, id int, PRIMARY KEY (c, id)`);
        await sql(`INSERT INTO ${shown} VALUES ('red', 1), ('green', 2)`);
        const table = await describeOf(name);
        await sql(`ALTER TYPE ${label} RENAME VALUE 'red' TO 'crimson'`);
        for (const failed of [
          () => read(table, { after: ['red', '1'], upTo: ['green', '2'] }),
          () => source.chunkEnd(table, ['red', '1'], ['green', '2'], 1),
        ]) {
          const error = await failed().catch((caught: unknown) => caught);
          expect(error).toMatchObject({ code: 'SourceChanged' });
          expect(messageOf(error)).toMatch(new RegExp(`${name.table}.*red.*start a new replay`));
        }
      });

    it('a filter that fails on a row is not tried for ever: it names the table, the cause and what to do', async () => {
      const { name, shown } = await make('id bigint PRIMARY KEY');
      await sql(`INSERT INTO ${shown} VALUES (1), (5)`);
      const table = await describeOf(name);
      const where = database.words.failingOn5;
      await source.checkScope(table, { where });
      for (const failed of [
        () => read(table, { upTo: ['9'], scope: { where } }),
        () => source.keyAt(table, { after: null, upTo: null, scope: { where } }, 0, 'last'),
      ]) {
        const error = await failed().catch((caught: unknown) => caught);
        expect(error).toMatchObject({ code: 'TableUnsuited' });
        expect(messageOf(error)).toMatch(
          new RegExp(`${name.table}.*(division by zero|out of range).*\`headrace retry\``),
        );
      }
      expect(await read(table, { upTo: ['4'], scope: { where } })).toEqual(['1']);
    });

    it('a filter that writes changes nothing', async () => {
      const { name, shown } = await make('id int PRIMARY KEY');
      await sql(`INSERT INTO ${shown} VALUES (7)`);
      const written = await make('n int');
      await sql(database.words.writingFunction(`${shown}_f`, written.shown));
      const failed = read(await describeOf(name), { upTo: ['9'], scope: { where: `${shown}_f() = 1` } });
      await expect(failed).rejects.toThrow(/read.only/i);
      await expect(failed).rejects.toMatchObject({ code: 'TableUnsuited' });
      expect(await sql(`SELECT * FROM ${written.shown}`)).toEqual([]);
    });

    it.each([
      'id <',
      'nothing = 1',
      'id < 10) OR (id < 20',
      'true; SELECT 1',
      'true THEN 1 END; SELECT CASE WHEN true',
    ])('the filter %s is refused before anything is read', async (where) => {
      const table = await describeOf((await make('id int PRIMARY KEY')).name);
      await expect(source.checkScope(table, { where })).rejects.toMatchObject({ code: 'ConfigInvalid' });
      await source.checkScope(table, { where: 'id < 10 OR id < 20' });
    });
  });

  describe('a reader that stops', () => {
    const ROWS = 8_000;
    const ROW_BYTES = 16 * 1024;

    /** Between the adapter and its server: counts what the server sent. */
    async function counted(): Promise<{ url: string; bytes: () => number; close: () => Promise<void> }> {
      let bytes = 0;
      const open = new Set<Socket>();
      const { hostname, port } = new URL(database.source.url);
      const server = createServer((client) => {
        open.add(client);
        const upstream = connect(Number(port), hostname);
        upstream.on('data', (part) => (bytes += part.length));
        void pipeline(upstream, client).catch(() => upstream.destroy());
        void pipeline(client, upstream).catch(() => client.destroy());
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = new URL(database.source.url);
      url.port = String((server.address() as AddressInfo).port);
      const close = (): Promise<void> => {
        for (const client of open) client.destroy();
        return new Promise((resolve) => server.close(() => resolve()));
      };
      return { url: url.href, bytes: () => bytes, close };
    }

    async function until(stands: () => number | Promise<number>): Promise<number> {
      for (let before = -1; ;) {
        const now = await stands();
        if (now === before) return now;
        before = now;
        await sleep(500);
      }
    }

    it('stops the server, in bounded memory, ends its statement, and goes on where it is let', async () => {
      const { name, shown } = await make(
        `id int PRIMARY KEY, t ${kind === 'mariadb' ? 'mediumtext' : 'text'} NOT NULL`,
      );
      const link = await counted();
      const through = database.source.open(link.url);
      await sql(`INSERT INTO ${shown} SELECT seq, REPEAT('x', ${ROW_BYTES}) FROM ${database.words.series(ROWS)}`);
      const table = await describeOf(name);
      const stream = await through.copy(table, { after: null, upTo: [String(ROWS)], scope: {} });
      const parts = stream[Symbol.asyncIterator]();
      const first = await parts.next();
      expect(first.done).toBe(false);
      const stood = await until(link.bytes);
      // What the sockets of both halves of the link hold, and a few blocks: of 125 MiB.
      expect(stood).toBeLessThan(40 * MIB);
      expect(await sql(database.words.reading(name.table))).toHaveLength(1);
      await stream.cancel();
      await expect.poll(() => sql(database.words.reading(name.table)), { timeout: 30_000 }).toEqual([]);
      let bytes = 0;
      for await (const part of await through.copy(table, { after: null, upTo: [String(ROWS)], scope: {} }))
        bytes += part.length;
      expect(bytes).toBeGreaterThan(ROWS * ROW_BYTES);
      expect(await read(table, { upTo: ['0'] }, through)).toEqual([]);
      await link.close();
      await sql(`DROP TABLE ${shown}`);
    });
  });
});
