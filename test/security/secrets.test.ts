/**
 * No secret leaves the settings: a pipeline is run on real services whose every password is marked, made to fail in every way
 * that involves one, and then all that Temporal, the databases, the lake, logs, commands and process lists show is searched.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ran, type Running, startCli } from '../cli/run-cli.ts';
import { documentOf } from '../e2e/commands.ts';
import { newSales, writePipeline } from '../e2e/sales-pipeline.ts';
import { openServices, type Services } from '../e2e/services.ts';
import { unique } from '../replay/setting.ts';
import { openNamespace, type TestNamespace } from '../workflows/namespace.ts';
import { leaksIn, type MarkedServices, MARKS, openMarkedServices } from './marked-services.ts';
import { keptByTemporal, textsOf } from './temporal-texts.ts';

const ROWS = 2_000;
type Extra = Readonly<Record<string, string>>;

let services: Services;
let marked: MarkedServices;
const namespaces: TestNamespace[] = [];
const running: Running[] = [];
const commandLines = new Set<string>();
let watching: NodeJS.Timeout;

beforeAll(async () => {
  services = await openServices();
  marked = await openMarkedServices();
  watching = setInterval(watchProcesses, 200); // a command lives for longer
}, 120_000);
afterAll(async () => {
  clearInterval(watching);
  for (const each of running) each.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
  await Promise.all(namespaces.map((namespace) => namespace.close()));
  await services.close();
  await marked.close();
});

function watchProcesses(): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      commandLines.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    } catch (error) {
      // It has ended meanwhile.
      if (!(error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH'].includes(String(error.code)))) throw error;
    }
  }
}

function start(args: readonly string[], extra: Extra = {}): Running {
  const each = startCli(args, { ...marked.environment, ...extra }, services.folder);
  running.push(each);
  return each;
}
const headrace = (args: readonly string[], extra?: Extra): Promise<Ran> => start(args, extra).ended;

/** A namespace for workers of its own: another's would take its work. */
async function inNamespace(extra: Extra = {}): Promise<Extra> {
  const namespace = await openNamespace();
  namespaces.push(namespace);
  return { ...extra, HEADRACE_TEMPORAL_NAMESPACE: namespace.client.options.namespace };
}

async function runAndLook(): Promise<void> {
  const at = await inNamespace();
  const worker = start(['worker'], at);
  await worker.told(/polling headrace-orchestrate/);
  const { file } = await newSales(services, ROWS);
  const report = await documentOf<{ ok: boolean }>(headrace(['run', file, '--json', '--verbose'], at));
  expect(report.ok).toBe(true);
  const looks = [['plan'], ['status'], ['verify'], ['lake', 'orphans']];
  const seen = looks.map(async (look) => (await headrace([...look, file, '--json'], at)).code);
  expect(await Promise.all(seen)).toEqual(looks.map(() => 0));
  await headrace(['load', file, '--every', '1h', '--json'], at);
  await headrace(['recover', file, '--verbose'], at);
  // A source that refuses, as plan meets it and as the workflow does.
  await Promise.all([
    refused('denied', /password authentication failed/, at),
    refused('plaintext', /does not support SSL/, at, /is tried again/),
    refused('nowhere', /cannot be reached/, at, /is tried again/),
  ]);
}

/** @param again what is told where it is tried again, else the run ends */
async function refused(connection: string, why: RegExp, at: Extra, again?: RegExp): Promise<void> {
  const { file } = writePipeline(services.folder, unique(connection), { connection });
  const { code, stderr, stdout } = await headrace(['plan', file, '--verbose'], at);
  expect([2, 4]).toContain(code);
  expect(stdout + stderr).toMatch(why);
  const follower = start(['run', file, '--verbose'], at);
  if (again) await follower.told(again);
  else expect((await follower.ended).code).toBe(2);
  follower.kill('SIGINT');
  await follower.ended;
}

/** Services that refuse a worker: the command brings one of its own. */
async function refusedWorker(extra: Extra): Promise<void> {
  const { file } = await newSales(services, 10);
  const at = await inNamespace(extra);
  const { code, stderr, stdout } = await headrace(['run', file, '--with-worker', '--json', '--verbose'], at);
  const error = stdout.includes('AccessDenied');
  expect({ extra, code, error, stderr: code === 2 ? '' : stderr }).toEqual({ extra, code: 2, error: true, stderr: '' });
}

async function encrypted(): Promise<void> {
  const { file } = await newSales(services, 10);
  const at = await inNamespace({ HEADRACE_TEMPORAL_ENCRYPTION_KEYS: `k:${MARKS.encryption}` });
  expect((await headrace(['run', file, '--with-worker', '--json'], at)).code).toBe(0);
}

/** Settings that are wrong themselves: each is told, none is shown. */
async function wrongSettings(): Promise<void> {
  writeFileSync(
    join(services.folder, 'wrong.yaml'),
    `connections:\n  other: "postgres:/reader:${MARKS.wrong}@host"\nkafka: { sasl: ${MARKS.wrong} }\n` +
      `s3: { accessKeyId: x, secretAccessKey: [${MARKS.wrong}] }\ntemporal: { encryptionKeys: "${MARKS.wrong}" }\ncontrol: 'mongo://u:${MARKS.wrong}@h'\n`,
  );
  writeFileSync(join(services.folder, 'syntax.yaml'), `kafka: { sasl: { password: *${MARKS.wrong} } }\n`);
  const told = async (places: readonly string[], args: readonly string[], extra: Extra = {}): Promise<void> => {
    const { code, stderr } = await headrace(['status', ...args, '--verbose'], extra);
    expect({ code, untold: places.filter((place) => !stderr.includes(place)) }).toEqual({ code: 2, untold: [] });
  };
  const variables = ['CONTROL_URL', 'CONNECTION_SALES', 'KAFKA_BROKERS', 'S3_ENDPOINT', 'TEMPORAL_ADDRESS'];
  const names = variables.map((name) => `HEADRACE_${name}`);
  await Promise.all([
    told(['other.url', 'kafka.sasl', 's3.secretAccessKey', 'encryptionKeys', 'control'], ['--settings', 'wrong.yaml'], {
      HEADRACE_CONTROL_URL: '',
    }),
    told(['syntax.yaml:1:'], ['--settings', 'syntax.yaml']),
    told(names, [], Object.fromEntries(names.map((name) => [name, `kafka://u:${MARKS.wrong}/@host`]))),
  ]);
}

/** What is stored in a schema's tables, a text a row. */
async function storedIn(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'headrace'`,
  );
  expect(rows.length).toBeGreaterThan(0);
  const found = await Promise.all(
    rows.map(async ({ name }) => (await pool.query<{ text: string }>(`select t::text as text from ${name} t`)).rows),
  );
  return found.flat().map(({ text }) => text);
}

test('no secret is shown or stored anywhere', async () => {
  const wrong = MARKS.wrong;
  await Promise.all([
    runAndLook(),
    refusedWorker({ HEADRACE_KAFKA_SASL_PASSWORD: wrong }),
    refusedWorker({ HEADRACE_KAFKA_SASL_PASSWORD: wrong, HEADRACE_KAFKA_CLIENT: 'librdkafka' }),
    refusedWorker({ AWS_SECRET_ACCESS_KEY: wrong }),
    refusedWorker({ HEADRACE_CONTROL_URL: marked.environment.HEADRACE_CONNECTION_DENIED ?? '' }),
    encrypted(),
    wrongSettings(),
    headrace(['status'], { HEADRACE_TEMPORAL_API_KEY: MARKS.apiKey }).then(({ code }) => expect(code).not.toBe(0)),
  ]);
  for (const each of running) each.kill('SIGTERM');
  const shown = (await Promise.all(running.map(({ ended }) => ended))).flatMap(({ stdout, stderr }) => [
    stdout,
    stderr,
  ]);

  const kept = await Promise.all(namespaces.map(({ client }) => keptByTemporal(client)));
  const temporal = textsOf(kept);
  const objects = await services.metadataOf('lake', 'whole/');
  const stored = (await Promise.all([services.control, services.warehouse].map(storedIn))).flat();
  // What is searched is there: no empty search finds nothing.
  expect(temporal.filter((text) => text.includes('password authentication failed')).length).toBeGreaterThan(0);
  expect(shown.filter((text) => text.includes('AccessDenied')).length).toBeGreaterThan(2);
  expect([...commandLines].filter((text) => text.includes('headrace.mjs')).length).toBeGreaterThan(10);
  expect(objects.length).toBeGreaterThan(0);
  expect(stored.length).toBeGreaterThan(10);
  expect({
    temporal: leaksIn(temporal),
    shown: leaksIn(shown),
    commandLines: leaksIn(commandLines),
    objects: leaksIn(objects),
    stored: leaksIn(stored),
  }).toEqual({ temporal: [], shown: [], commandLines: [], objects: [], stored: [] });
}, 300_000);
