/**
 * Data intervals on the real Temporal server: a backfill's overview, a failed interval run again alone, and a schedule whose
 * triggers, pauses and changed steps leave neither a hole nor a double.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { IntervalLook } from '../../contracts/intervals.ts';
import { unique } from '../replay/setting.ts';
import { documentOf, headrace, killAllWorkers, startHeadrace, startWorkerProcess } from './commands.ts';
import { eventually, openServices, type Services } from './services.ts';

const DAYS = 4;
const ROWS_A_DAY = 100;
const name = unique('interval');
const schedule = `interval/${name}`;
let services: Services;
let file: string;

beforeAll(async () => {
  services = await openServices();
  await services.sales.query(
    `CREATE TABLE ${name} (id bigint PRIMARY KEY, at timestamptz NOT NULL, amount int NOT NULL)`,
  );
  await services.sales.query(
    `INSERT INTO ${name} SELECT i, '2026-03-01Z'::timestamptz + (i / ${ROWS_A_DAY}) * interval '1 day' + (i % ${ROWS_A_DAY}) * interval '1 minute', i
     FROM generate_series(0, ${DAYS * ROWS_A_DAY - 1}) i`,
  );
  file = join(services.folder, `${name}.yaml`);
  const pipeline = {
    name,
    source: { connection: 'sales', table: `public.${name}`, eventTime: 'at' },
    topic: { name, partitions: 2 },
    lake: { bucket: 'lake', prefix: `whole/${name}`, rotate: { age: '500ms' } },
    warehouse: { connection: 'warehouse', table: `mart.${name}` },
    onBad: 'fail',
  };
  writeFileSync(file, JSON.stringify(pipeline));
}, 120_000);
afterAll(async () => {
  await killAllWorkers();
  await services.close();
});

interface Overview {
  counts: { done: number; running: number; failed: number; toCome: number };
  intervals: IntervalLook[];
}
const backfill = (code: number, from: number, to: number, ...options: string[]) =>
  documentOf<Overview>(
    headrace(
      'backfill',
      file,
      '--from',
      `2026-03-0${from}`,
      '--to',
      `2026-03-0${to}`,
      '--step',
      '1d',
      '--json',
      ...options,
    ),
    code,
  );
const states = ({ intervals }: Overview): string[] =>
  intervals.map(({ from, state }) => `${from.slice(0, 10)} ${state}`);

async function warehouse(): Promise<{ id: number; version: string }[]> {
  const sql = `SELECT id::int, xmin::text AS version FROM mart.${name} ORDER BY id`;
  return (await services.warehouse.query<{ id: number; version: string }>(sql)).rows;
}
async function listed(): Promise<IntervalLook[]> {
  const found = await documentOf<{ intervals: IntervalLook[] }>(headrace('schedules', schedule, '--json'));
  return found.intervals.filter(({ madeBy }) => madeBy === 'schedule');
}
const settled = (count: number) =>
  eventually(`${count} intervals of the schedule done`, 60, async () => {
    const rows = await listed();
    return rows.length === count && rows.every(({ state }) => state === 'done') ? rows : undefined;
  });

test('a backfill that is left before its first look says how to come back to it', async () => {
  const days = ['--from', '2026-03-01', '--to', '2026-03-02', '--step', '1d'];
  const command = startHeadrace('backfill', file, ...days);
  await command.told(/No worker polls/);
  command.kill('SIGINT');
  const { code, stderr } = await command.ended;
  expect(stderr).toContain('left the backfill of 1 interval, which goes on as soon as a worker runs');
  expect(stderr).toContain(`headrace backfill ${file} ${days.join(' ')}`);
  expect(code).toBe(130);
}, 60_000);

test('a backfill runs every interval once; one that fails holds up no other, and is run again alone', async () => {
  await startWorkerProcess();
  // The first day, which was left above, makes the table; the third has a row that the warehouse refuses.
  await backfill(0, 1, 2);
  await services.warehouse.query(`ALTER TABLE mart.${name} ADD CONSTRAINT fair CHECK (amount <> 250)`);
  const third = (result: Overview) => result.intervals.find(({ from }) => from.startsWith('2026-03-03'));
  const first = await backfill(5, 1, 5, '--parallel', '2');
  expect(third(first)).toMatchObject({ state: 'failed', error: expect.stringContaining('fair') as string });
  expect(states(first).filter((state) => state.startsWith('2026-03-01'))).toEqual(['2026-03-01 done']);

  await services.warehouse.query(`ALTER TABLE mart.${name} DROP CONSTRAINT fair`);
  const alone = await backfill(0, 3, 4);
  expect(alone.intervals).toHaveLength(1);
  const last = await backfill(0, 1, 5, '--parallel', '4');
  expect(last.counts).toEqual({ done: DAYS, running: 0, failed: 0, toCome: 0 });
  expect(last.intervals.map(({ rows }) => rows)).toEqual([100, 100, 100, 100]);
  expect((await warehouse()).map(({ id }) => id)).toEqual(Array.from({ length: DAYS * ROWS_A_DAY }, (_, id) => id));
  expect(await backfill(0, 1, 5, '--overview')).toMatchObject({ counts: last.counts });
}, 240_000);

test('a schedule’s interval begins where the last one ended, whatever was triggered, paused or changed meanwhile', async () => {
  const make = (...options: string[]) => documentOf(headrace('schedule', file, '--json', ...options));
  const deed = (which: string) => documentOf(headrace('schedules', which, schedule, '--json'));
  const made = await headrace('schedule', file, '--every', '1h', '--since', '2026-03-01', '--rate', '40');
  expect(made.stderr).toContain(`run headrace backfill ${file} --from 2026-03-01`);
  const before = await warehouse();
  await deed('trigger');
  await eventually('the interval runs', 60, async () => (await listed()).find(({ state }) => state === 'running'));
  const again = await headrace('schedules', 'trigger', schedule);
  expect(again.stdout).toMatch(
    /triggered: 2026-03-01T00:00:00Z to \S+ \(interval\/\S+\) runs already and goes on; behind it/,
  );
  const [whole] = await settled(1);
  expect(whole).toMatchObject({ from: '2026-03-01T00:00:00.000Z', rows: DAYS * ROWS_A_DAY });
  // All of it was read again, and not a row of the warehouse was written anew.
  expect(await warehouse()).toEqual(before);

  await deed('pause');
  const paused = await documentOf<{ schedules: { paused: boolean; next: string | null }[] }>(
    headrace('schedules', schedule, '--json'),
  );
  expect(paused.schedules).toMatchObject([{ paused: true, next: null }]);
  await deed('resume');

  // A shorter step: what follows begins at the end of the hour that was run, not ten seconds ago.
  await make('--every', '10s', '--overlap', 'skip');
  await services.sales.query(`INSERT INTO ${name} VALUES (100000, $1, 1)`, [whole?.to]);
  await eventually('the row at the seam', 60, async () => (await warehouse()).find(({ id }) => id === 100_000));
  const rows = await listed();
  for (const [place, row] of rows.entries()) if (place > 0) expect(row.from).toBe(rows[place - 1]?.to);
  await deed('delete');
  expect((await headrace('schedules', 'pause', schedule)).code).toBe(2);
}, 240_000);
