/** `headrace generate` on real services: every way out, going on without a gap or a double, and each main table end to end. */
import { createHash } from 'node:crypto';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import type { VerifyReport } from '../../contracts/temporal.ts';
import { jsonEncoder } from '../../generators/encode.ts';
import { defaultsOf } from '../../generators/kinds.ts';
import { profiles } from '../../generators/profiles.ts';
import {
  documentOf,
  headrace,
  killAllWorkers,
  killProcess,
  startHeadrace,
  startWorkerProcess,
} from '../e2e/commands.ts';
import { readTopic } from '../e2e/ends.ts';
import { eventually, openServices, type Services } from '../e2e/services.ts';

/** Many commands a test, each a process of its own: on a busy machine one takes ten seconds. */
vi.setConfig({ testTimeout: 300_000 });

const PIPELINES = join(import.meta.dirname, '../../pipelines');
let services: Services;

beforeAll(async () => {
  services = await openServices();
});
afterEach(killAllWorkers);
afterAll(() => services.close());

interface Document {
  ended: string;
  counts: Record<string, number>;
  written: number;
  before: number;
}
const generate = (...args: string[]) => documentOf<Document>(headrace('generate', ...args, '--json'));

/** Lines that a run of the model alone gives. */
function modelLines(name: string, output: string, count: number, seed = 1): string[] {
  const profile = profiles.get(name);
  if (!profile) throw new Error(`no profile ${name}`);
  const lines: string[] = [];
  const run = { seed, start: Date.UTC(2024, 0, 1) * 1_000, form: 'nested' as const };
  for (const each of profile.emit(defaultsOf(profile.settings), run)) {
    if (each.output.name === output) lines.push(jsonEncoder(each.output)(each.row));
    if (lines.length >= count) break;
  }
  return lines;
}

function hashes(folder: string): Record<string, string> {
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return Object.fromEntries(
    names.map((name) => [
      name,
      createHash('md5')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ]),
  );
}

test.each(['jsonl', 'csv', 'parquet'])(
  'files as %s: same bytes, also when gone on with after a crash',
  async (format) => {
    const [whole, parts] = ['whole', 'parts'].map((name) => join(services.folder, `${format}-${name}`)) as [
      string,
      string,
    ];
    await generate('smoothies', '--to', 'files', whole, '--format', format, '--events', '900');
    await generate('smoothies', '--to', 'files', parts, '--format', format, '--events', '400');
    // As a crash in the middle of writing leaves it: lines that the note does not know of.
    const lines = format === 'parquet' ? join(parts, '.lines') : parts;
    appendFileSync(join(lines, `demo.purchases.${format === 'csv' ? 'csv' : 'jsonl'}`), '{"transaction_id":"half a li');
    const refused = await headrace(
      'generate',
      'smoothies',
      '--to',
      'files',
      parts,
      '--format',
      format,
      '--events',
      '900',
    );
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('--resume');
    const resumed = await generate(
      'smoothies',
      '--to',
      'files',
      parts,
      '--format',
      format,
      '--events',
      '900',
      '--resume',
    );
    expect(resumed.counts['demo.purchases']).toBe(900);
    expect(resumed.before).toBeGreaterThan(400);
    expect(hashes(parts)).toEqual(hashes(whole));
    expect(existsSync(join(whole, `demo.purchases.${format}`))).toBe(true);
  },
);

test('Ctrl-C ends a live run cleanly, says how far it got, and --resume goes on', async () => {
  const folder = join(services.folder, 'live');
  const options = [
    'generate',
    'country-sales',
    '--to',
    'files',
    folder,
    '--live',
    '--speed',
    '600x',
    '--start',
    '2024-01-01',
  ];
  const first = startHeadrace(...options);
  await eventually('some sales', 60, () =>
    Promise.resolve(
      existsSync(join(folder, 'us_topic.jsonl')) && readFileSync(join(folder, 'us_topic.jsonl')).length > 500
        ? true
        : undefined,
    ),
  );
  first.kill('SIGINT');
  const ended = await first.ended;
  expect(ended.code).toBe(130);
  expect(ended.stderr).toContain('--resume');
  const before = readFileSync(join(folder, 'us_topic.jsonl'), 'utf8').trimEnd().split('\n');
  const { written } = await generate(...options.slice(1), '--resume', '--events', '400');
  expect(written).toBeGreaterThan(0);
  const after = readFileSync(join(folder, 'us_topic.jsonl'), 'utf8').trimEnd().split('\n');
  expect(after.length).toBeGreaterThan(before.length);
  expect(after).toEqual(modelLines('country-sales', 'us_topic', after.length));
});

test('live and closed: says until when', async () => {
  const folder = join(services.folder, 'closed');
  const options = ['--to', 'files', folder, '--live', '--start', '2024-01-01T20:30'];
  const closed = startHeadrace('generate', 'smoothies', ...options);
  const note = join(folder, '.headrace-generate.json');
  await eventually('the products', 60, () =>
    Promise.resolve(existsSync(note) && readFileSync(note, 'utf8').includes('"demo.products":28') ? true : undefined),
  );
  closed.kill('SIGINT');
  const { code, stderr } = await closed.ended;
  expect(code).toBe(130);
  // Opening is at eight.
  expect(stderr).toMatch(/up to 2024-01-01 20:30:00; nothing until 2024-01-02 08:\d\d:\d\d, which is .* by the clock/);
});

test('Kafka: keyed, in order, and after going on neither a gap nor a double', async () => {
  await generate('country-sales', '--to', 'kafka', '--events', '3000');
  const { before, written } = await generate('country-sales', '--to', 'kafka', '--events', '8000', '--resume');
  expect({ before, written }).toEqual({ before: 3_000, written: 5_000 });
  const records = await readTopic('us_topic');
  const values = records.map(({ value }) => value).sort();
  expect(values).toEqual(modelLines('country-sales', 'us_topic', records.length).sort());
  for (const { key, value } of records) expect(key).toBe(String((JSON.parse(value) as { sale_id: number }).sale_id));
});

test('a database: gone on with, refused where it is another run, left alone where the table is not ours', async () => {
  const to = ['country-sales', '--to', 'db:sales'];
  await generate(...to, '--events', '2000');
  const other = await headrace('generate', ...to, '--events', '4000', '--resume', '--seed', '5');
  expect(other.code).toBe(2);
  expect(other.stderr).toContain('--seed');
  expect((await generate(...to, '--events', '4000', '--resume')).written).toBe(2_000);
  const { rows } = await services.sales.query<{ ids: string; rows: string; last: string }>(
    `SELECT count(DISTINCT sale_id) AS ids, count(*) AS rows, max(sale_id) AS last FROM (
       SELECT sale_id FROM us_topic UNION ALL SELECT sale_id FROM uk_topic UNION ALL SELECT sale_id FROM de_topic
       UNION ALL SELECT sale_id FROM fr_topic UNION ALL SELECT sale_id FROM it_topic) s`,
  );
  expect(rows[0]).toEqual({ ids: '4000', rows: '4000', last: '4000' });
  await services.sales.query(`COMMENT ON TABLE us_topic IS 'my own'`);
  const mine = await headrace('generate', ...to, '--events', '10', '--replace');
  expect({ code: mine.code, told: mine.stderr.includes('was not made by headrace generate') }).toEqual({
    code: 2,
    told: true,
  });
  await services.sales.query(`COMMENT ON TABLE us_topic IS 'made by headrace generate'`);
});

test('as a workflow: paused, resumed, and a killed worker leaves neither a gap nor a double', async () => {
  const folder = join(services.folder, 'workflow');
  const options = ['--to', 'files', folder, '--live', '--speed', '3600x', '--start', '2024-01-01', '--events', '6000'];
  await documentOf(
    headrace('generate', 'country-sales', ...options, '--workflow', '--id', 'demo', '--detach', '--json'),
  );
  const workflow = services.temporal.workflow.getHandle('generate/country-sales/demo');
  const size = (): number =>
    existsSync(join(folder, 'us_topic.jsonl')) ? readFileSync(join(folder, 'us_topic.jsonl')).length : 0;
  const grows = (than: number) => eventually('more sales', 90, () => Promise.resolve(size() > than ? true : undefined));
  const worker = await startWorkerProcess();
  await grows(1_000);
  await headrace('pause', 'generate/country-sales/demo');
  await eventually('the pause', 30, async () =>
    (await workflow.query<{ phase: string }>('progress')).phase === 'paused' ? true : undefined,
  );
  const paused = size();
  await headrace('resume', 'generate/country-sales/demo');
  await grows(paused);
  await killProcess(worker);
  await startWorkerProcess();
  const report = (await workflow.result()) as { ended: string; main: number };
  expect(report).toMatchObject({ ended: 'complete', main: 6_000 });
  const lines = readFileSync(join(folder, 'us_topic.jsonl'), 'utf8').trimEnd().split('\n');
  expect(lines).toEqual(modelLines('country-sales', 'us_topic', lines.length));
});

test.each([
  ['smoothies', 'demo.purchases', ['--days', '10']],
  ['orders', 'orders', ['--days', '20']],
  ['product-sales', 'product_sales', ['--events', '20000', '--days', '100']],
  ['country-sales', 'us_topic', ['--events', '6000', '--replace']],
])('headrace run carries %s end to end', async (profile, table, options) => {
  const { counts } = await generate(profile, '--to', 'db:sales', ...options);
  const rows = counts[table];
  expect(rows).toBeGreaterThan(1_000);
  const report = await documentOf<VerifyReport>(
    headrace('run', join(PIPELINES, `${profile}.yaml`), '--with-worker', '--json'),
  );
  expect(report).toMatchObject({ ok: true, rows: { source: rows, replayed: rows, landed: rows, loaded: rows } });
});
