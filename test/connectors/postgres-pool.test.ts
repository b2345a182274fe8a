/** A connection that the server ends fails what runs on it, and nothing else: the process lives, the pool goes on. */
import pg from 'pg';
import { expect, test } from 'vitest';
import { openPool, query } from '../../connectors/postgres/pool.ts';
import { required } from '../replay/setting.ts';

const url = required('HEADRACE_CONTROL_URL');

// What nobody listens to ends a process; vitest would call it an unhandled error.
test.each(['idle in its transaction', 'at work'])('a connection in use that is ended while it is %s', async (when) => {
  const pool = openPool({ url }, 'test');
  const other = new pg.Client({ connectionString: url });
  await other.connect();
  try {
    const client = await pool.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await client.query('BEGIN');
    const ended = new Promise((resolve) => client.once('end', resolve));
    const work = when === 'at work' ? client.query('SELECT pg_sleep(30)') : ended;
    const outcome = work.then(
      () => 'ended',
      () => 'failed',
    );
    await other.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
    expect(await outcome).toBe(when === 'at work' ? 'failed' : 'ended');
    await ended;
    await expect(client.query('COMMIT')).rejects.toThrow();
    client.release(true);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  } finally {
    await other.end();
    await pool.end();
  }
});

test('an answer that does not come in time fails its statement, which may have been carried out, and frees the pool', async () => {
  const pool = openPool({ url }, 'test', 1, [], 300);
  try {
    const asked = query(pool, 'ControlUnavailable', 'sleeping', 'SELECT pg_sleep(20)');
    await expect(asked).rejects.toMatchObject({ code: 'ControlUnavailable', retry: true });
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  } finally {
    await pool.end();
  }
});
