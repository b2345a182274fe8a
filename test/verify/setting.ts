/** A table with a composite key, replayed, landed and loaded on real services; and verify, and both ends in SQL, on it. */
import { afterEach, beforeEach } from 'vitest';
import { loadSealed } from '../../activities/load-sealed.ts';
import { verifyReplay } from '../../activities/verify-replay.ts';
import type { ReplayScope } from '../../contracts/replay.ts';
import type { VerifyReport } from '../../contracts/temporal.ts';
import { type TestLake, idlePulse, openTestLake } from '../load/test-lake.ts';

/** The test's own; made anew before each. */
export let lake: TestLake;
/** The table's name with its schema, at both ends. */
export let qualified: string;

/** To be called once a file. */
export function useLake(): void {
  beforeEach(openLake);
  afterEach(async () => {
    await lake.close();
  });
}

/** The key's text is in a linguistic collation: 'a' < 'B' < 'c' there, not by bytes. */
export async function openLake(): Promise<void> {
  lake = await openTestLake({ table: 'sales', eventTime: 'at' });
  qualified = `${lake.schema}.sales`;
  await lake.sales.query(
    `CREATE TABLE ${qualified} (code text COLLATE "und-x-icu", id int, name text, price numeric, at timestamptz, PRIMARY KEY (code, id))`,
  );
  await lake.sales.query(
    `INSERT INTO ${qualified} SELECT (ARRAY['a','B','c','Zoë'])[1 + i % 4], i, 'n' || i, i / 7.0,
     '2024-03-01Z'::timestamptz + i * interval '1 hour' FROM generate_series(0, 199) i`,
  );
}

export async function load(): Promise<void> {
  const request = { spec: lake.spec, workflowId: 'test', returnAfterMs: 20_000 };
  await loadSealed(lake.loadPorts, request, idlePulse());
}

export async function replayAndLoad(scope: ReplayScope = {}): Promise<string> {
  const replayId = await lake.replay(scope);
  await lake.land();
  await load();
  return replayId;
}

export async function verify(replayId?: string): Promise<VerifyReport> {
  const input = { spec: lake.spec, ...(replayId === undefined ? {} : { replayId }) };
  return await verifyReplay(lake.verifyPorts, input, idlePulse());
}

export const key = (code: string, id: number): string => JSON.stringify({ code, id });
/** SQL in which `sales` is the table's name. */
export const warehouse = (sql: string) => lake.warehouseSql.query(sql.replaceAll('sales', qualified));
export const source = (sql: string) => lake.sales.query(sql.replaceAll('sales', qualified));

export const CLEAN = {
  missing: 0,
  extra: 0,
  different: 0,
  changedSince: 0,
  lost: 0,
  deadLetters: 0,
  chunksUnequal: 0,
  ok: true,
};
