/**
 * Every table of the corpus is refused by name, with the column and the remedy, or works from end to end: what verify finds in
 * source, lake and warehouse is equal. A refusal leaves nothing behind in the warehouse.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSealed } from '../../activities/load-sealed.ts';
import { verifyReplay } from '../../activities/verify-replay.ts';
import { quoteIdent } from '../../formats/sql-names.ts';
import { idlePulse, openTestLake, type TestLake } from '../load/test-lake.ts';
import { namesOf, STACK_LINE } from './entry.ts';
import { TABLES, type TableEntry } from './tables.ts';

let lake: TestLake;
beforeEach(async () => void (lake = await openTestLake({ table: 't', partitions: 1 })));
afterEach(() => lake.close());

async function make({ input, table = 't' }: TableEntry): Promise<void> {
  const name = `${lake.schema}.${quoteIdent(table)}`;
  const client = await lake.sales.connect();
  try {
    await client.query(`SET search_path = ${lake.schema}, public`);
    await client.query(input.replaceAll('@T', () => name));
  } finally {
    await client.query('RESET search_path');
    client.release();
  }
  lake.spec.source.table = { schema: lake.schema, table };
  lake.spec.warehouse.table = { schema: lake.schema, table };
}

describe('refused', () => {
  test.each(TABLES.filter(({ rows }) => rows === undefined))('$name', async (entry) => {
    await make(entry);
    const error: unknown = await lake.replay().catch((failure: unknown) => failure);
    expect(error).toMatchObject({
      retry: false,
      code: /not there/.test(entry.name) ? 'TableMissing' : 'TableUnsuited',
    });
    const { message } = error as Error;
    for (const words of entry.says) expect(message).toContain(words);
    expect(message).toContain(`"${lake.schema}"."t"`);
    expect(message).not.toMatch(STACK_LINE);
    const { rows } = await lake.warehouseSql.query('SELECT FROM pg_namespace WHERE nspname = $1', [lake.schema]);
    expect(rows).toEqual([]);
  });
});

describe('works', () => {
  test.each(TABLES.filter(({ rows }) => rows !== undefined))('$name', async (entry) => {
    await make(entry);
    await lake.replay();
    await lake.land();
    await loadSealed(lake.loadPorts, { spec: lake.spec, workflowId: 'test', returnAfterMs: 20_000 }, idlePulse());
    const { rows } = entry;
    expect(await verifyReplay(lake.verifyPorts, { spec: lake.spec }, idlePulse())).toMatchObject({
      ok: true,
      rows: { source: rows, replayed: rows, landed: rows, loaded: rows },
    });
  });
});

test('each has a name of its own', () => {
  expect(namesOf(TABLES).size).toBe(TABLES.length);
});
