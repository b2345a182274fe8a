/**
 * Objects changed behind the manifest's back: load and verify end with ManifestConflict that names the object, nothing of its
 * cut is in the warehouse, and once the object is as it was, the load brings every row once.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadSealed } from '../../activities/load-sealed.ts';
import { verifyReplay } from '../../activities/verify-replay.ts';
import { idlePulse, openTestLake, type TestLake } from '../load/test-lake.ts';
import { namesOf, STACK_LINE } from './entry.ts';
import { BAD_OBJECTS, FOREIGN_FILES } from './objects.ts';

const ROWS = 60;
let lake: TestLake;
let table: string;
let object: string;
let whole: Buffer;
let other: Buffer;

beforeAll(async () => {
  lake = await openTestLake({ table: 't', partitions: 2 });
  table = `${lake.schema}.t`;
  await lake.sales.query(`CREATE TABLE ${table} (id int PRIMARY KEY, name text)`);
  await lake.sales.query(`INSERT INTO ${table} SELECT i, 'row ' || i FROM generate_series(1, ${ROWS}) i`);
  await lake.replay();
  await lake.land(1_000);
  const cut = async (partition: number): Promise<string> => {
    const cuts = await lake.loads.sealedCuts(lake.dataset, lake.state.topicId, new Map([[partition, 0]]), 1);
    return cuts[0]?.objects[0]?.name ?? '';
  };
  object = await cut(0);
  whole = await contentOf(object);
  other = await contentOf(await cut(1));
});
afterAll(() => lake.close());

async function contentOf(name: string): Promise<Buffer> {
  const path = join(lake.scratch, 'copy');
  await lake.store.download('lake', name, path);
  return await readFile(path);
}
async function put(name: string, content: Buffer): Promise<void> {
  const path = join(lake.scratch, 'content');
  await writeFile(path, content);
  await lake.store.putIfAbsent('lake', name, path, {});
}
const load = () =>
  loadSealed(lake.loadPorts, { spec: lake.spec, workflowId: 'test', returnAfterMs: 20_000 }, idlePulse());
const verify = () => verifyReplay(lake.verifyPorts, { spec: lake.spec }, idlePulse());
const loaded = async (): Promise<number> =>
  Number((await lake.warehouseSql.query<{ n: string }>(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n);

async function refusal(doing: Promise<unknown>): Promise<string> {
  const error: unknown = await doing.then(() => new Error('it was not refused')).catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: 'ManifestConflict', retry: false });
  const { message } = error as Error;
  expect(message).not.toMatch(STACK_LINE);
  return message;
}

describe('an object that', () => {
  test.each(BAD_OBJECTS)('$name', async ({ input, says }) => {
    await lake.remove(object);
    if (input !== null) await put(object, input(whole, other));
    try {
      const message = await refusal(load());
      for (const words of says) expect(message).toContain(words.replace('OBJECT', object));
      // What is of other cuts may be in; of this one nothing is, and no batch by half.
      const { rows } = await lake.warehouseSql.query<{ n: string }>(
        `SELECT count(*) AS n FROM headrace.ledger WHERE topic_id = $1 AND partition = 0 AND next_offset > 0`,
        [lake.state.topicId],
      );
      expect(Number(rows[0]?.n)).toBe(0);
      const report = await verify().then(
        ({ ok, chunksUnequal }) => ({ ok, chunksUnequal }),
        (failure: unknown) => failure,
      );
      if (report instanceof Error) expect(report.message).toContain(object);
      else expect(report).toMatchObject({ ok: false });
    } finally {
      await lake.remove(object);
      await put(object, whole);
    }
  });
});

describe('beside them', () => {
  test.each(FOREIGN_FILES)('$name', async ({ input }) => {
    await put(
      `${lake.spec.lake.prefix}/${input.name.replace('TOPIC', lake.state.topicId)}`,
      Buffer.from(input.content),
    );
  });

  test('everything as it was, every row is loaded once, and verify finds all equal', async () => {
    expect(namesOf([...BAD_OBJECTS, ...FOREIGN_FILES]).size).toBe(BAD_OBJECTS.length + FOREIGN_FILES.length);
    await load();
    expect(await loaded()).toBe(ROWS);
    expect(await load()).toMatchObject({ rows: 0 });
    expect(await verify()).toMatchObject({ ok: true, rows: { source: ROWS, loaded: ROWS } });
  });
});
