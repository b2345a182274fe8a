/**
 * A worker as those see it who watch it: counts that agree with what was done, health, lines that name what they are of; and
 * dashboard, alerts and documentation that speak of no metric that is not there, and miss none of ours.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { CHECKOUT, type Running, runCli, startCli } from '../cli/run-cli.ts';
import { documentOf, headrace, startHeadrace } from './commands.ts';
import { newSales } from './sales-pipeline.ts';
import { openServices, type Services, stackEnvironment } from './services.ts';

const ROWS = 4_000;
const OURS = /\bheadrace_[a-z0-9_]+/g;
const ANY = /\b(?:headrace|temporal|process|nodejs)_[a-z0-9_]+/g;
const started: Running[] = [];
let services: Services;

beforeAll(async () => {
  services = await openServices();
});
afterAll(async () => {
  for (const each of started) each.kill('SIGKILL');
  await Promise.all(started.map(({ ended }) => ended));
  await services.close();
});

/** A worker process and the address that its log names. */
async function startWatched(
  ...args: string[]
): Promise<{ worker: Running; address: string; log: () => Promise<string> }> {
  const worker = startHeadrace('worker', ...args);
  started.push(worker);
  const line = await worker.told(/metrics: (http:\S+)\/metrics/);
  return { worker, address: line[1] ?? '', log: async () => (await worker.ended).stderr };
}

const page = async (address: string, path: string): Promise<{ status: number; text: string }> => {
  const answer = await fetch(`${address}${path}`);
  return { status: answer.status, text: await answer.text() };
};

/** Of the one series with these labels, or the sum of several. */
function valueOf(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const series = text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  const wanted = series.filter((line) =>
    Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)),
  );
  expect({ name, labels, found: wanted.length > 0 }).toEqual({ name, labels, found: true });
  return wanted.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

const exposed = (text: string): Set<string> => {
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`, name] : [name],
  );
  return new Set(names);
};
const named = (text: string, pattern: RegExp): string[] => [
  ...new Set([...text.matchAll(pattern)].map(([name]) => name)),
];
const fileOf = (path: string): string => readFileSync(join(CHECKOUT, path), 'utf8');

test('counts, health and log lines agree with what was done, and deploy/ and docs/ with the metrics', async () => {
  const [all, second] = await Promise.all([startWatched(), startWatched('--only', 'land')]);
  expect(all.address).not.toBe(second.address);
  const { file, name } = await newSales(services, ROWS, { rotate: { records: 1_000 } });
  await documentOf(headrace('run', file, '--json', '--replay-id', `${name}-1`));
  const [mine, other] = await Promise.all([page(all.address, '/metrics'), page(second.address, '/metrics')]);
  const of = { pipeline: name };
  const landed = [mine, other].map(({ text }) =>
    text.includes(`hop="land",pipeline="${name}"`) ? valueOf(text, 'headrace_rows_total', { hop: 'land', ...of }) : 0,
  );
  expect(landed.reduce((sum, rows) => sum + rows)).toBe(ROWS);
  for (const hop of ['replay', 'load']) expect(valueOf(mine.text, 'headrace_rows_total', { hop, ...of })).toBe(ROWS);
  expect(valueOf(mine.text, 'headrace_bytes_total', { hop: 'replay', ...of })).toBeGreaterThan(ROWS * 20);
  expect(valueOf(mine.text, 'headrace_transactions_total', of)).toBeGreaterThan(0);
  // The marker of a partition's last transaction may be behind what is landed.
  expect(valueOf(mine.text, 'headrace_land_lag_offsets', of)).toBeLessThanOrEqual(4);
  expect(valueOf(mine.text, 'headrace_load_lag_offsets', of)).toBe(0);
  expect(valueOf(mine.text, 'headrace_oldest_open_cut_seconds', of)).toBe(0);
  expect(valueOf(mine.text, 'headrace_last_load_timestamp_seconds', of)).toBeGreaterThan(Date.now() / 1000 - 300);
  expect(valueOf(mine.text, 'headrace_state_read_success', {})).toBe(1);
  expect(other.text).not.toContain('headrace_land_lag_offsets{');
  for (const path of ['/healthz', '/readyz'])
    expect(await page(all.address, path)).toEqual({ status: 200, text: 'ok\n' });
  expect((await page(all.address, '/nothing')).status).toBe(404);

  // Nobody speaks of what is not there, and the table has all of ours.
  const there = exposed(mine.text);
  const dashboard = fileOf('deploy/grafana/headrace.json');
  const alerts = fileOf('deploy/prometheus/alerts.yml');
  const documented = fileOf('docs/observability.md');
  JSON.parse(dashboard);
  const { groups } = parse(alerts) as { groups: { rules: { alert: string; expr: string }[] }[] };
  const rules = groups.flatMap((group) => group.rules);
  expect(named(dashboard, ANY).length).toBeGreaterThan(15);
  expect(rules.length).toBeGreaterThan(5);
  for (const text of [dashboard, ...rules.map(({ expr }) => expr)]) {
    expect(named(text, ANY).filter((metric) => !there.has(metric))).toEqual([]);
  }
  expect(named(documented, OURS).sort()).toEqual([...there].filter((metric) => metric.startsWith('headrace_')).sort());
  for (const { alert } of rules) expect(documented).toContain(`| \`${alert}\` |`);

  for (const { worker } of [all, second]) worker.kill('SIGTERM');
  const lines = (await Promise.all([all.log(), second.log()]))
    .flatMap((log) => log.split('\n'))
    .filter((line) => line.includes('"activity"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.filter(({ pipeline }) => pipeline !== name)).toEqual([]);
  const told = (msg: string) => lines.filter((line) => line.msg === msg);
  expect(told('transaction is in')[0]).toMatchObject({ activity: 'publishChunk', replay: `${name}-1`, chunk: 0 });
  expect(told('cut sealed')[0]).toMatchObject({
    activity: 'landPartitions',
    cut: expect.stringMatching(/^\d+-\d+$/) as string,
  });
  const sums = ['transaction is in', 'cut sealed', 'batch loaded'].map((msg) =>
    told(msg).reduce((sum, { rows }) => sum + Number(rows), 0),
  );
  expect(sums).toEqual([ROWS, ROWS, ROWS]);
}, 120_000);

test('a chosen address is used or refused, off is off, and a worker without its services says that it is not ready', async () => {
  const { address, worker } = await startWatched('--only', 'orchestrate');
  const env = { ...stackEnvironment(), HEADRACE_METRICS: address.slice('http://'.length) };
  const refused = await runCli(['worker', '--only', 'orchestrate'], env);
  expect({ code: refused.code, named: refused.stderr.includes(env.HEADRACE_METRICS) }).toEqual({
    code: 2,
    named: true,
  });

  const off = startCli(['worker', '--only', 'orchestrate'], { ...stackEnvironment(), HEADRACE_METRICS: 'off' });
  started.push(off);
  await off.told(/polling headrace-orchestrate/);
  off.kill('SIGTERM');
  expect((await off.ended).stderr).not.toContain('metrics:');

  const away = startCli(['worker', '--only', 'land'], { ...stackEnvironment(), HEADRACE_KAFKA_BROKERS: '127.0.0.1:1' });
  started.push(away);
  const [, unready = ''] = await away.told(/metrics: (http:\S+)\/metrics/);
  const { status, text } = await page(unready, '/readyz');
  expect({ status, kafka: /Kafka at 127\.0\.0\.1:1 cannot be reached/.test(text) }).toEqual({
    status: 503,
    kafka: true,
  });
  expect((await page(unready, '/healthz')).status).toBe(200);
  for (const each of [away, worker]) each.kill('SIGTERM');
  await Promise.all([away.ended, worker.ended]);
}, 120_000);
