/** A statement whose answer is lost fails, though its connection stays; one that takes long, or is read slowly, does not. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { afterEach, expect, test } from 'vitest';
import { watchAnswers } from '../../connectors/postgres/answer-watch.ts';
import { openLink } from '../fault-matrix/link.ts';
import { postgresSplitter } from '../fault-matrix/split-postgres.ts';
import { required } from '../replay/setting.ts';

const url = required('HEADRACE_CONTROL_URL');
const LOOK_MS = 200;
const LOOKS = 6;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** @param lost statements whose answer is kept back */
async function watched(lost: RegExp): Promise<pg.Pool> {
  let letGo: () => void = () => undefined;
  const never = new Promise<'pass'>((resolve) => (letGo = () => resolve('pass')));
  const link = await openLink({
    name: 'warehouse',
    upstream: Number(new URL(url).port),
    splitter: postgresSplitter,
    gate: {
      wants: ({ what }) => lost.test(what),
      ask: ({ what }, side) => (side === 'answer' && lost.test(what) ? never : 'pass'),
    },
  });
  const through = new URL(url);
  through.port = String(link.port);
  const pool = new pg.Pool({ connectionString: through.href, max: 1 });
  pool.on('connect', (client) => client.on('error', () => undefined));
  const looks = new pg.Pool({ connectionString: url, max: 1 });
  watchAnswers(pool, () => looks, LOOK_MS);
  closing.push(
    () => link.close(),
    () => looks.end(),
    () => pool.end(),
    () => Promise.resolve(letGo()),
  );
  return pool;
}

test.each(['INSERT INTO kept VALUES (1)', 'COMMIT'])('the answer to %s is lost', async (statement) => {
  const pool = await watched(new RegExp(`^${statement.slice(0, 6)}`));
  const client = await pool.connect();
  await client.query('BEGIN');
  await client.query('CREATE TEMP TABLE kept (a int) ON COMMIT DROP');
  await expect(client.query(statement)).rejects.toThrow('the answer to a statement was lost');
  client.release(true);
  expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
});

test('a statement that takes long, and a session that does nothing, are let be', async () => {
  const pool = await watched(/^never$/);
  const client = await pool.connect();
  const { rows } = await client.query(`SELECT pg_sleep(${(LOOKS * LOOK_MS) / 1000}), 1 AS one`);
  expect(rows).toMatchObject([{ one: 1 }]);
  await sleep(LOOKS * LOOK_MS);
  expect((await client.query('SELECT 2 AS two')).rows).toEqual([{ two: 2 }]);
  client.release();
});

test.each([300, 300_000])('a COPY of %d rows that is read slowly is let be', async (count) => {
  const pool = await watched(/^never$/);
  const client = await pool.connect();
  const stream = client.query(copyTo(`COPY (SELECT repeat('x', 99) FROM generate_series(1, ${count})) TO STDOUT`));
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (bytes === 0) await sleep(LOOKS * LOOK_MS);
    bytes += chunk.length;
  }
  expect(bytes).toBe(count * 100);
  client.release();
});
