/** A statement whose answer is lost fails, though its connection stays; one that takes long does not. */
import { createPool, type Pool, type PoolConnection } from 'mysql2';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { watch } from '../../connectors/mysql/answer-watch.ts';
import { run, select } from '../../connectors/mysql/pool.ts';
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

function poolOf(port: number): Pool {
  const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
  const pool = createPool({ host: '127.0.0.1', port, user, password, database: 'sales', rowsAsArray: true });
  closing.push(() => new Promise((resolve) => pool.end(resolve)));
  return pool;
}

/** A connection through a link, watched past it. */
async function watched(): Promise<{ connection: PoolConnection; link: Link }> {
  const link = await openLink({
    name: 'warehouse',
    upstream: Number(url.port),
    splitter: opaque,
    gate: { wants: () => false, ask: () => 'pass' },
  });
  const through = poolOf(link.port);
  closing.push(() => link.close());
  const connection = await new Promise<PoolConnection>((resolve, reject) => {
    through.getConnection((error, found) => (error ? reject(error) : resolve(found)));
  });
  connection.on('error', () => undefined);
  watch(connection, poolOf(Number(url.port)), LOOK_MS);
  return { connection, link };
}

test('the answer is lost', async () => {
  const { connection, link } = await watched();
  const asked = run(connection, 'DO SLEEP(0.3)');
  link.silence(); // the statement is under way already, or waits in the link for ever: either is told
  await expect(asked).rejects.toThrow('the answer to a statement was lost');
});

test('a statement that takes long is let be, and so is a session that does nothing', async () => {
  const { connection } = await watched();
  expect(await select(connection, 'SELECT SLEEP(1.2)')).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 4 * LOOK_MS));
  expect(await select(connection, 'SELECT 1')).toHaveLength(1);
  connection.release();
});
