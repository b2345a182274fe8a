/** The manifest under races, on the real control database: whoever comes late is refused, and no range is written twice. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Claim, Intent, Manifest } from '../../activities/ports/manifest.ts';
import { openManifest } from '../../connectors/postgres/manifest-store.ts';
import { openPool } from '../../connectors/postgres/pool.ts';
import { required } from './services.ts';

let pool: pg.Pool;
let manifest: Manifest;
beforeAll(() => {
  pool = openPool({ url: required('HEADRACE_CONTROL_URL') }, 'manifest test', 20);
  manifest = openManifest(pool);
});
afterAll(() => pool.end());

const request = (dataset: string, generation = 1) => ({
  dataset,
  topicId: 'topic-id',
  topic: 'topic',
  partition: 0,
  generation,
  token: randomUUID(),
  claimedBy: 'test',
  logStart: 100,
});
const intent = (start: number, end: number, changes: Partial<Intent> = {}): Intent => ({
  start,
  end,
  reason: 'records',
  rows: end - start,
  bytes: 10,
  objects: [{ name: `${start}-${end}`, rows: end - start }],
  inputSha256: 'ab',
  encoder: { format: 'parquet', version: 1, compression: 'zstd', rowGroupRows: 1_000 },
  schemaVersion: 'v1',
  deadLetters: 0,
  ...changes,
});
async function claimed(dataset: string, generation = 1): Promise<Claim> {
  const claim = await manifest.claim(request(dataset, generation));
  if (!claim) throw new Error('the claim was refused');
  return claim;
}
const dataset = () => `lake/${randomUUID()}`;

describe('claims', () => {
  test('the first one stores the start of the log as next, a later one finds what was reached', async () => {
    const name = dataset();
    const first = await claimed(name);
    expect(first).toMatchObject({ next: 100, open: null });
    await manifest.intend(first, intent(100, 120));
    await manifest.seal(first, { start: 100, attempt: 0, end: 120 });
    expect(await manifest.claim({ ...request(name), logStart: 110 })).toMatchObject({ next: 120, open: null });
  });

  test('an older generation is refused, the same one takes over', async () => {
    const name = dataset();
    await claimed(name, 5);
    expect(await manifest.claim(request(name, 4))).toBeNull();
    expect(await manifest.claim(request(name, 5))).not.toBeNull();
    expect(await manifest.generation(name)).toBe(5);
  });

  test('of twenty claims at once, exactly one can record an intent', async () => {
    const name = dataset();
    await claimed(name, 1);
    const claims = await Promise.all(Array.from({ length: 20 }, () => manifest.claim(request(name, 2))));
    const answers = await Promise.all(claims.map(async (claim) => claim && manifest.intend(claim, intent(100, 110))));
    const kinds = answers.flatMap((answer) => (answer ? [answer.kind] : []));
    expect(kinds.filter((kind) => kind === 'opened')).toHaveLength(1);
    expect(kinds.filter((kind) => kind !== 'opened' && kind !== 'refused')).toEqual([]);
  });
});

describe('intents and seals', () => {
  test('two intents of one claim at once: one is opened, the other is told which is open', async () => {
    const claim = await claimed(dataset());
    const answers = await Promise.all([100, 200, 300].map((end) => manifest.intend(claim, intent(100, 100 + end))));
    const opened = answers.findIndex(({ kind }) => kind === 'opened');
    expect(answers.filter(({ kind }) => kind === 'open')).toHaveLength(2);
    const others = answers.flatMap((answer) => (answer.kind === 'open' ? [answer.cut.end] : []));
    expect(others).toEqual([100 + (opened + 1) * 100, 100 + (opened + 1) * 100]);
  });

  test('an intent that waits for the lock of a newer claim is refused', async () => {
    const name = dataset();
    const zombie = await claimed(name, 1);
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('UPDATE headrace.manifest_partition SET token = $2, generation = 2 WHERE id = $1', [
      zombie.id,
      randomUUID(),
    ]);
    const late = manifest.intend(zombie, intent(100, 110));
    const seal = manifest.sealEmpty(zombie, intent(100, 110, { rows: 0, objects: [] }));
    await waiting(2);
    await client.query('COMMIT');
    client.release();
    expect(await late).toEqual({ kind: 'refused' });
    expect(await seal).toEqual({ kind: 'refused' });
  });

  test('a claim that waits for the lock of an intent finds it open', async () => {
    const name = dataset();
    const author = await claimed(name, 1);
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query('UPDATE headrace.manifest_partition SET next = next WHERE id = $1', [author.id]);
    await client.query(
      `INSERT INTO headrace.cut (partition_id, start_offset, end_offset, state, reason, rows, bytes, objects, input_sha256, encoder)
       VALUES ($1, 100, 150, 'open', 'records', 1, 1, '[]', 'ab', '{}')`,
      [author.id],
    );
    const claim = manifest.claim(request(name, 2));
    await waiting(1);
    await client.query('COMMIT');
    client.release();
    expect(await claim).toMatchObject({ next: 100, open: { start: 100, end: 150 } });
  });

  test('an intent that does not begin where the manifest stands is told where that is', async () => {
    const claim = await claimed(dataset());
    expect(await manifest.intend(claim, intent(90, 110))).toEqual({ kind: 'moved', next: 100 });
    expect(await manifest.intend(claim, intent(101, 110))).toEqual({ kind: 'moved', next: 100 });
  });

  test('sealing again, by anybody, changes nothing', async () => {
    const name = dataset();
    const claim = await claimed(name);
    await manifest.intend(claim, intent(100, 110));
    const seals = await Promise.all(
      Array.from({ length: 10 }, () => manifest.seal(claim, { start: 100, attempt: 0, end: 110 })),
    );
    expect(seals).toEqual(Array.from({ length: 10 }, () => true));
    await manifest.intend(claim, intent(110, 130));
    expect(await manifest.seal(claim, { start: 100, attempt: 0, end: 110 })).toBe(true);
    expect(await manifest.state(claim)).toMatchObject({ next: 110, open: { start: 110 } });
  });

  test('an empty cut is sealed at once, but never beside an open one', async () => {
    const claim = await claimed(dataset());
    const empty = { rows: 0, objects: [], reason: 'empty' as const };
    expect(await manifest.sealEmpty(claim, intent(100, 105, empty))).toEqual({ kind: 'opened', attempt: 0 });
    expect(await manifest.state(claim)).toMatchObject({ next: 105, open: null });
    await manifest.intend(claim, intent(105, 110));
    expect(await manifest.sealEmpty(claim, intent(105, 106, empty))).toMatchObject({ kind: 'open' });
  });

  test('a voided intent can be begun anew, a zombie cannot seal or void it', async () => {
    const name = dataset();
    const zombie = await claimed(name, 1);
    await manifest.intend(zombie, intent(100, 110));
    const claim = await claimed(name, 2);
    expect(await manifest.void(zombie, { start: 100, attempt: 0 })).toBe(false);
    expect(await manifest.void(claim, { start: 100, attempt: 0 })).toBe(true);
    expect(await manifest.seal(zombie, { start: 100, attempt: 0, end: 110 })).toBe(false);
    expect(await manifest.intend(claim, intent(100, 108))).toEqual({ kind: 'opened', attempt: 1 });
    expect(await manifest.seal(zombie, { start: 100, attempt: 0, end: 110 })).toBe(false);
    expect(await manifest.seal(claim, { start: 100, attempt: 1, end: 108 })).toBe(true);
    expect(await manifest.state(claim)).toMatchObject({ next: 108, open: null });
  });

  test('the alarm: a range over a sealed one is refused even if the manifest was put back', async () => {
    const claim = await claimed(dataset());
    await manifest.intend(claim, intent(100, 110));
    await manifest.seal(claim, { start: 100, attempt: 0, end: 110 });
    await pool.query('UPDATE headrace.manifest_partition SET next = 100 WHERE id = $1', [claim.id]);
    await expect(manifest.intend(claim, intent(100, 105))).rejects.toMatchObject({ code: 'ManifestConflict' });
  });
});

test('a loss is stepped over only where it was accepted, and as far as it was', async () => {
  const name = dataset();
  const claim = await claimed(name);
  await manifest.noteLost(claim, 100, 120, 'expired');
  await manifest.noteLost(claim, 100, 130, 'expired');
  expect(await manifest.skipLost(claim)).toBeNull();
  expect(await manifest.acceptLost(name, 'topic-id')).toEqual([{ partition: 0, start: 100, end: 130, accepted: true }]);
  await manifest.noteLost(claim, 100, 140, 'expired');
  expect(await manifest.skipLost(claim)).toBe(130);
  expect(await manifest.skipLost(claim)).toBeNull();
  expect(await manifest.lost(name, 'topic-id')).toEqual([{ partition: 0, start: 100, end: 130, accepted: true }]);
});

test('dead letters are stored once, byte for byte', async () => {
  const name = dataset();
  const place = { dataset: name, topicId: 'topic-id', topic: 'topic', partition: 0 };
  const bytes = Buffer.from([0, 255, 10, 9, 92, 34]);
  const letter = {
    offset: 7,
    key: null,
    value: bytes,
    headers: [['h', bytes]] as const,
    replayId: 'r',
    chunk: 3,
    reason: 'bad "thing"\0',
  };
  await manifest.addDeadLetters({ ...place, hop: 'land' }, [letter, { ...letter, offset: 9, value: null, key: bytes }]);
  await manifest.addDeadLetters({ ...place, hop: 'land' }, [letter]);
  const { rows } = await pool.query<Record<string, unknown>>(
    'SELECT offset_, record_key, record_value, headers, reason FROM headrace.dead_letter WHERE dataset = $1 ORDER BY 1',
    [name],
  );
  const headers = [['h', bytes.toString('base64')]];
  expect(rows).toEqual([
    { offset_: '7', record_key: null, record_value: bytes, headers, reason: 'bad "thing"\\0' },
    { offset_: '9', record_key: bytes, record_value: null, headers, reason: 'bad "thing"\\0' },
  ]);
});

test('a request is continuous until its ends are set', async () => {
  const name = dataset();
  await manifest.saveRequest(name, { requestId: 'r', workflowId: 'w', topic: 'topic', continuous: true });
  await manifest.saveRequest(name, { requestId: 'r', workflowId: 'other', topic: 'topic', continuous: true });
  expect(await manifest.requests(name)).toMatchObject([
    { requestId: 'r', workflowId: 'w', continuous: true, ends: [] },
  ]);
  await manifest.setEnds(name, { requestId: 'r', workflowId: 'w', topic: 'topic' }, 'topic-id', { 0: 10, 1: 20 });
  expect(await manifest.requests(name)).toMatchObject([
    {
      continuous: false,
      ends: [
        { topicId: 'topic-id', partition: 0, end: 10 },
        { topicId: 'topic-id', partition: 1, end: 20 },
      ],
    },
  ]);
  await manifest.endRequest(name, 'r');
  expect(await manifest.requests(name)).toEqual([]);
});

/** Until so many sessions of this database wait for a lock. */
async function waiting(sessions: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ n: string }>(
      `SELECT count(*) AS n FROM pg_stat_activity
       WHERE application_name = 'headrace manifest test' AND wait_event_type = 'Lock'`,
    );
    if (Number(rows[0]?.n) >= sessions) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
