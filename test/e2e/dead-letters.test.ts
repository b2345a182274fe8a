/**
 * The life of dead letters, by the command as a user types it: refused by the warehouse, listed, re-driven after a fix,
 * discarded with a reason; and what verify says each time.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { LetterCounts, LetterLook } from '../../contracts/letters.ts';
import { deadLetterTopic } from '../../contracts/letters.ts';
import type { RunReport, VerifyReport } from '../../contracts/temporal.ts';
import { documentOf, headrace, killAllWorkers, startWorkerProcess } from './commands.ts';
import { readTopic, sourceLines, tally, warehouseLines } from './ends.ts';
import { newSales, type TestPipeline } from './sales-pipeline.ts';
import { eventually, openServices, type Services } from './services.ts';

const ROWS = 2_000;
let services: Services;
let pipeline: TestPipeline;

beforeAll(async () => {
  services = await openServices();
  [pipeline] = await Promise.all([newSales(services, ROWS, { chunkRows: 500 }), startWorkerProcess()]);
  const { name } = pipeline;
  await documentOf(headrace('run', pipeline.file, '--json'));
  await services.warehouse.query(`ALTER TABLE mart.${name} ADD CONSTRAINT fair CHECK (amount >= 0 AND name <> 'Bob')`);
  await services.sales.query(`UPDATE ${name} SET amount = -id WHERE id IN (10, 700, 1999)`);
  await services.sales.query(`UPDATE ${name} SET name = 'Bob' WHERE id = 42`);
}, 120_000);
afterAll(async () => {
  await killAllWorkers();
  await services.close();
});

interface Listed {
  counts: LetterCounts;
  letters: LetterLook[];
}
const list = (...options: string[]) =>
  documentOf<Listed>(headrace('dead-letters', pipeline.file, '--json', ...options));
const verify = (code: number) => documentOf<VerifyReport>(headrace('verify', pipeline.file, '--json'), code);
const idOf = ({ key }: LetterLook): number => (JSON.parse(key ?? '{}') as { id: number }).id;
const ids = (letters: readonly LetterLook[]): number[] => letters.map(idOf).sort((a, b) => a - b);

test('rows that the warehouse refuses block nothing, and are listed with reason and bytes', async () => {
  const report = await documentOf<RunReport>(headrace('run', pipeline.file, '--json'), 3);
  expect(report).toMatchObject({ deadLetters: 4, different: 4, missing: 0, lost: 0, chunksUnequal: 0, ok: false });
  const { counts, letters } = await list();
  expect(counts).toEqual({ open: 4, redriven: 0, discarded: 0, withoutKey: 0 });
  expect(ids(letters)).toEqual([10, 42, 700, 1999]);
  for (const letter of letters) {
    expect(letter).toMatchObject({ hop: 'load', state: 'open', replayId: report.replayId, topic: pipeline.name });
    expect(letter.reason).toContain('violates check constraint "fair"');
    expect(JSON.parse(letter.preview ?? '')).toMatchObject({ id: idOf(letter) });
  }
}, 60_000);

test('they are in the topic of dead letters, once each, with origin and reason', async () => {
  const records = await eventually('four letters in their topic', 30, async () => {
    const found = await readTopic(deadLetterTopic(pipeline.name)).catch(() => []);
    return found.length >= 4 ? found : undefined;
  });
  const sent = records.map(({ key }) => (JSON.parse(key) as { id: number }).id);
  expect(tally(sent.map(String))).toEqual(new Map(['10', '42', '700', '1999'].map((id) => [id, 1])));
}, 60_000);

test('a re-drive before the fix makes new letters; after it each row arrives once, as the source has it now', async () => {
  const early = await documentOf<{ redriven: number; counts: LetterCounts }>(
    headrace('redrive', pipeline.file, '--json'),
    3,
  );
  expect(early).toMatchObject({ redriven: 4, counts: { open: 4, redriven: 4 } });

  // Two are mended in the source; the constraint stays.
  await services.sales.query(`UPDATE ${pipeline.name} SET amount = 7 WHERE id IN (10, 700)`);
  const some = (await list()).letters.filter((letter) => [10, 700].includes(idOf(letter)));
  const named = some.flatMap(({ partition, offset }) => ['--letter', `${partition}/${offset}`]);
  const before = (await readTopic(pipeline.name)).length;
  const late = await documentOf<{ redriven: number; counts: LetterCounts; report: RunReport }>(
    headrace('redrive', pipeline.file, '--json', ...named),
    3, // the lake holds two rows that the warehouse still refuses
  );
  expect(late).toMatchObject({
    redriven: 2,
    counts: { open: 2, redriven: 6 },
    report: { deadLetters: 0, different: 2 },
  });
  expect(late.report.rows).toMatchObject({ source: 2, replayed: 2, landed: 2 });
  expect((await readTopic(pipeline.name)).length).toBe(before + 2);
  expect(ids((await list()).letters)).toEqual([42, 1999]);
  expect(await verify(3)).toMatchObject({ different: 2, ok: false });
}, 120_000);

test('one that is not to arrive is discarded with its reason, which verify shows', async () => {
  const [bob] = (await list()).letters.filter((letter) => idOf(letter) === 42);
  const place = `${bob?.partition}/${bob?.offset}`;
  expect((await headrace('discard', pipeline.file, '--letter', place)).code).toBe(2);
  expect((await headrace('discard', pipeline.file, '--reason', 'x')).code).toBe(2);
  await documentOf(headrace('discard', pipeline.file, '--letter', place, '--reason', 'Bob’s test row', '--json'));
  const again = await headrace('discard', pipeline.file, '--letter', place, '--reason', 'twice');
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining(place) as string });

  await services.warehouse.query(`ALTER TABLE mart.${pipeline.name} DROP CONSTRAINT fair`);
  await documentOf(headrace('redrive', pipeline.file, '--json'));
  const report = await verify(0);
  expect(report).toMatchObject({ deadLetters: 0, different: 0, missing: 0, discarded: 1, ok: true });
  expect(report.discardReasons).toEqual(['Bob’s test row']);
  expect((await headrace('verify', pipeline.file)).stdout).toContain('1 dead letter was discarded: “Bob’s test row”');

  const [source, warehouse] = await Promise.all([
    sourceLines(services, pipeline, 'id <> 42'),
    warehouseLines(services, pipeline),
  ]);
  expect(warehouse.filter((line) => !line.startsWith('42|')).sort()).toEqual(source.sort());
}, 120_000);

test('with onBad: fail the load stops before the bad row, says which, and makes no letter', async () => {
  const { writeFileSync, readFileSync } = await import('node:fs');
  const strict = JSON.parse(readFileSync(pipeline.file, 'utf8')) as Record<string, unknown>;
  writeFileSync(pipeline.file, JSON.stringify({ ...strict, onBad: 'fail' }));
  await services.warehouse.query(`ALTER TABLE mart.${pipeline.name} ADD CONSTRAINT fair CHECK (id < 1000) NOT VALID`);
  await services.sales.query(`UPDATE ${pipeline.name} SET amount = 8 WHERE id = 1500`);
  const ran = await headrace('run', pipeline.file, '--json');
  expect(ran.code).toBe(5);
  const { error } = JSON.parse(ran.stdout) as { error: { code: string; message: string } };
  expect(error).toMatchObject({ code: 'TooManyBad', message: expect.stringContaining('onBad: fail') as string });
  expect((await list()).counts.open).toBe(0);
}, 60_000);
