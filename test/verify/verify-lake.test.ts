/** Every kind of seeded damage to the lake is found by verify; dead letters and losses are counted. */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HEADER, readOrigin } from '../../contracts/messages.ts';
import { describe, expect, it } from 'vitest';
import { CLEAN, lake, load, replayAndLoad, useLake, verify } from './setting.ts';

useLake();

describe('the lake is wrong', () => {
  async function firstObject(): Promise<{ name: string; rows: number }> {
    const [cut] = await lake.loads.sealedCuts(lake.dataset, lake.state.topicId, new Map([[1, 0]]), 1);
    const object = cut?.objects[0];
    if (!object) throw new Error('partition 1 has no object');
    return object;
  }

  it('finds an object that is gone', async () => {
    await replayAndLoad();
    await lake.remove((await firstObject()).name);
    const report = await verify();
    expect(report).toMatchObject({ extra: 0, missing: 0, different: 0, ok: false });
    expect(report.chunksUnequal).toBeGreaterThan(0);
  });

  it.each([
    ['rows twice', 'SELECT * FROM f UNION ALL SELECT * FROM f'],
    ['a row less', 'SELECT * FROM f LIMIT (SELECT count(*) - 1 FROM f)'],
    ['another value', `SELECT * REPLACE ('x' AS name) FROM f`],
  ])('finds an object that holds %s', async (_, query) => {
    await replayAndLoad();
    const { name } = await firstObject();
    const [before, after] = [join(lake.scratch, 'before.parquet'), join(lake.scratch, 'after.parquet')];
    await lake.store.download('lake', name, before);
    const duck = await (await DuckDBInstance.create()).connect();
    await duck.run(`COPY (WITH f AS (FROM read_parquet('${before}')) ${query}) TO '${after}' (FORMAT parquet)`);
    duck.closeSync();
    await lake.remove(name);
    await lake.store.putIfAbsent('lake', name, after, {});
    const report = await verify();
    expect(report.chunksUnequal).toBeGreaterThan(0);
    expect(report.ok).toBe(false);
  });

  it.each([
    ['is not the format at all', () => Buffer.from('not an object of the lake at all')],
    ['ends early', (whole: Buffer) => whole.subarray(0, whole.length - 100)],
    [
      'is damaged in its data',
      (whole: Buffer) => Buffer.concat([whole.subarray(0, 4), Buffer.alloc(200, 0xa5), whole.subarray(204)]),
    ],
  ])('refuses, by name, an object that %s', async (_, damage) => {
    await replayAndLoad();
    const { name } = await firstObject();
    const path = join(lake.scratch, 'damaged');
    await lake.store.download('lake', name, path);
    await writeFile(path, damage(await readFile(path)));
    await lake.remove(name);
    await lake.store.putIfAbsent('lake', name, path, {});
    await expect(verify()).rejects.toMatchObject({
      code: 'ManifestConflict',
      retry: false,
      message: expect.stringContaining(name) as string,
    });
  });

  it('counts open dead letters of no known replay among its offsets', async () => {
    const replayId = await replayAndLoad();
    const add = (offset: number, replay: string | null, state = 'open', found = 'now()') =>
      lake.control.query(
        `INSERT INTO headrace.dead_letter (dataset, topic_id, topic, partition, offset_, headers, replay_id, reason, state, found_at)
         VALUES ($1, $2, $3, 1, $4, '[]', $5, 'a test', $6, ${found})`,
        [lake.dataset, lake.state.topicId, lake.spec.topic.name, offset, replay, state],
      );
    await add(lake.state.ends[1] ?? 0, null);
    await add(0, null, 'open', `now() - interval '1 day'`);
    await add(1, null, 'discarded');
    expect(await verify(replayId)).toMatchObject(CLEAN);
    await add(2, null);
    await add(3, 'unheard of');
    expect(await verify(replayId)).toMatchObject({ deadLetters: 2, chunksUnequal: 0, ok: false });
  });

  it('counts dead letters of the replay by its headers; they fail it until they are closed', async () => {
    const replayId = await lake.replay();
    const [record] = lake.state.log[2]?.splice(3, 1) ?? [];
    if (!record) throw new Error('partition 2 has no fourth record');
    const chunk = readOrigin(String(record.headers[0]?.[HEADER]))?.chunk;
    await lake.control.query(
      `INSERT INTO headrace.dead_letter (dataset, topic_id, topic, partition, offset_, headers, replay_id, chunk, reason)
       VALUES ($1, $2, $3, 2, $4, '[]', $5, $6, 'a test')`,
      [lake.dataset, lake.state.topicId, lake.spec.topic.name, record.offset, replayId, chunk],
    );
    await lake.land();
    await load();
    expect(await verify()).toMatchObject({ deadLetters: 1, chunksUnequal: 0, missing: 1, ok: false });
  });

  it('counts rows of offsets that were lost, and nothing that merely is not there', async () => {
    await lake.replay();
    await lake.land();
    const gone = await lake.control.query<{ id: string; start: string; finish: string; rows: string }>(
      `DELETE FROM headrace.cut WHERE (partition_id, start_offset) IN (
         SELECT c.partition_id, c.start_offset FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id
         WHERE p.dataset = $1 AND p.partition = 0 ORDER BY c.start_offset DESC LIMIT 1)
       RETURNING partition_id AS id, start_offset AS start, end_offset AS finish, rows`,
      [lake.dataset],
    );
    const [hole] = gone.rows;
    if (!hole) throw new Error('no cut was removed');
    await load();
    const before = await verify();
    expect(before).toMatchObject({ lost: 0, missing: Number(hole.rows), ok: false });
    expect(before.chunksUnequal).toBeGreaterThan(0);
    const values = [hole.id, hole.start, hole.finish];
    await lake.control.query(`INSERT INTO headrace.lost VALUES ($1, $2, $3, 'a test', now(), now())`, values);
    const report = await verify();
    expect(report).toMatchObject({ lost: Number(hole.rows), chunksUnequal: 0, missing: Number(hole.rows), ok: false });
  });
});
