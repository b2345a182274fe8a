/**
 * For any set of keys, with as many equal in the leading column as may be, and any chunk size: bounds ascend in the index's
 * order, the last is the largest key, every key is in one chunk, and every row is published once. On a real PostgreSQL.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestLake, type TestLake } from '../load/test-lake.ts';

let lake: TestLake;
let table: string;
beforeAll(async () => {
  lake = await openTestLake({ table: 't', partitions: 2 });
  table = `${lake.schema}.t`;
  await lake.sales.query(`CREATE TABLE ${table} (a int, b text COLLATE "und-x-icu", c numeric, PRIMARY KEY (a, b, c))`);
});
afterAll(() => lake.close());

const key = fc.tuple(
  fc.integer({ min: -1, max: 1 }),
  fc.constantFrom('', ' ', 'a', 'A', 'a ', 'ä', 'B', '\\', "'", 'zz'),
  fc.constantFrom('-1', '0', '0.5', '1', '10', '9', 'NaN', 'Infinity'),
);
const keys = fc.uniqueArray(key, { minLength: 0, maxLength: 40, selector: (each) => JSON.stringify(each) });

async function fill(rows: readonly (readonly [number, string, string])[]): Promise<void> {
  await lake.sales.query(`TRUNCATE ${table}`);
  await lake.sales.query(`INSERT INTO ${table} SELECT * FROM unnest($1::int[], $2::text[], $3::numeric[])`, [
    rows.map(([a]) => a),
    rows.map(([, b]) => b),
    rows.map(([, , c]) => c),
  ]);
}

/** Keys in the index's order, as texts. */
async function inOrder(): Promise<string[]> {
  const { rows } = await lake.sales.query<{ key: string[] }>(
    `SELECT ARRAY[a::text, b, c::text] AS key FROM ${table} ORDER BY a, b, c`,
  );
  return rows.map((row) => JSON.stringify(row.key));
}

test('chunks cover every key once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(keys, fc.integer({ min: 1, max: 9 }), async (rows, chunkRows) => {
      await fill(rows);
      lake.spec.source.chunkRows = chunkRows;
      lake.recreateTopic();
      const replayId = await lake.replay();
      const ordered = await inOrder();

      const ends: number[] = [];
      let after: string | null = null;
      for (let number = 0; ; number++) {
        const chunk = await lake.replays.chunk(replayId, number);
        if (!chunk) break;
        expect(chunk.after === null ? null : JSON.stringify(chunk.after)).toBe(after);
        after = JSON.stringify(chunk.upTo);
        const end = ordered.indexOf(after) + 1;
        const size = end - (ends.at(-1) ?? 0);
        expect(size).toBeGreaterThan(0);
        expect(size).toBeLessThanOrEqual(chunkRows);
        ends.push(end);
      }
      expect(ends.at(-1) ?? 0).toBe(ordered.length);

      const published = lake.state.log.flat().map((record) => record.value.toString());
      expect(published.length).toBe(rows.length);
      expect(new Set(published).size).toBe(rows.length);
    }),
    { numRuns: 12 },
  );
});
