/** A statement whose answer is lost fails, though its connection stays; one that takes long does not. */
import { createConnection, createPool, type PoolConnection } from 'mysql2';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { watch } from '../../connectors/mysql/answer-watch.ts';
import { type Row, run, select } from '../../connectors/mysql/pool.ts';
import { streamOn } from '../../connectors/mysql/row-stream.ts';
import { opaque } from '../fault-matrix/exchanges.ts';
import { type Link, openLink } from '../fault-matrix/link.ts';
import { startMariadb } from './services.ts';

const LOOK_MS = 200;
let url: URL;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  const { sales, admin } = await startMariadb();
  await admin.end();
  url = new URL(sales);
}, 120_000);
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function accessTo(port: number) {
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  return { host: '127.0.0.1', port, user, password, database: 'sales', rowsAsArray: true };
}

/** Rows in blocks of so many. */
function blocksOf(most: number) {
  let block: Row[] = [];
  return {
    add: (row: Row) => block.push(row) >= most,
    take: () => {
      const full = block;
      block = [];
      return full.length === 0 ? null : full;
    },
  };
}

/** The only connection of its pool, through a link, watched past it. */
async function watched(): Promise<{ connection: PoolConnection; link: Link }> {
  const link = await openLink({
    name: 'warehouse',
    upstream: Number(url.port),
    splitter: opaque,
    gate: { wants: () => false, ask: () => 'pass' },
  });
  const through = createPool({ ...accessTo(link.port), connectionLimit: 1 });
  closing.push(
    () => new Promise((resolve) => through.end(resolve)),
    () => link.close(),
  );
  const connection = await new Promise<PoolConnection>((resolve, reject) => {
    through.getConnection((error, found) => (error ? reject(error) : resolve(found)));
  });
  connection.on('error', () => undefined);
  watch(connection, () => createConnection(accessTo(Number(url.port))), LOOK_MS);
  return { connection, link };
}

test('the answer is lost', async () => {
  const { connection, link } = await watched();
  const asked = run(connection, 'DO SLEEP(0.3)');
  link.silence(); // the statement is under way already, or waits in the link for ever: either is told
  await expect(asked).rejects.toThrow('the answer to a statement was lost');
});

test('the answer to a statement that is read as a stream is lost', async () => {
  const { connection, link } = await watched();
  const rows = streamOn(connection, 'SourceUnavailable', 'reading', 'SELECT 1, SLEEP(0.3)', blocksOf(1));
  link.silence();
  await expect(rows[Symbol.asyncIterator]().next()).rejects.toThrow('the answer to a statement was lost');
});

test('a connection that is closed under a statement ends its wait', async () => {
  const { connection } = await watched();
  const asked = run(connection, 'DO SLEEP(60)');
  connection.destroy();
  await expect(asked).rejects.toThrow('the connection was closed while a statement ran');
});

test('rows that are read slowly are let be, though the server has sent them all', async () => {
  const { connection } = await watched();
  const rows = streamOn(connection, 'SourceUnavailable', 'reading', 'SELECT seq FROM seq_1_to_500', blocksOf(1));
  let read = 0;
  for await (const block of rows) {
    if (read === 0) await new Promise((resolve) => setTimeout(resolve, 6 * LOOK_MS));
    read += block.length;
  }
  expect(read).toBe(500);
});

test('a statement that takes long is let be, and so is a session that does nothing', async () => {
  const { connection } = await watched();
  expect(await select(connection, 'SELECT SLEEP(1.2)')).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 4 * LOOK_MS));
  expect(await select(connection, 'SELECT 1')).toHaveLength(1);
  connection.release();
});
