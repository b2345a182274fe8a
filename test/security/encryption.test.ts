/**
 * With temporal.encryptionKeys set, Temporal holds no plain text of what workflows carry, and everything works as without:
 * runs, refusals with their words, status by search attributes, another key later. The UI's codec server reads it.
 */
import { randomBytes } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunReport } from '../../contracts/temporal.ts';
import { startCli, runCli, type Running } from '../cli/run-cli.ts';
import { documentOf } from '../e2e/commands.ts';
import { newSales, writePipeline } from '../e2e/sales-pipeline.ts';
import { openServices, type Services, stackEnvironment } from '../e2e/services.ts';
import { unique } from '../replay/setting.ts';
import { openNamespace, type TestNamespace } from '../workflows/namespace.ts';
import { keptByTemporal, textsOf } from './temporal-texts.ts';

const ROWS = 3_000;
const MARK = 'a-filter-that-nobody-may-read';
const UI = 'http://127.0.0.1:8233';
const [oldKey, newKey] = ['old', 'new'].map((id) => `${id}:${randomBytes(32).toString('base64')}`) as [string, string];
const started: Running[] = [];
let services: Services;
let namespace: TestNamespace;
let client: Client;

const environment = (keys: string): Record<string, string> => ({
  ...stackEnvironment(),
  HEADRACE_TEMPORAL_NAMESPACE: client.options.namespace,
  ...(keys === '' ? {} : { HEADRACE_TEMPORAL_ENCRYPTION_KEYS: keys }),
});
const headrace = (keys: string, ...args: string[]) => runCli(args, environment(keys), services.folder);
function start(keys: string, ...args: string[]): Running {
  const running = startCli(args, environment(keys), services.folder);
  started.push(running);
  return running;
}

beforeAll(async () => {
  services = await openServices();
  namespace = await openNamespace();
  ({ client } = namespace);
});
afterAll(async () => {
  for (const running of started) running.kill('SIGKILL');
  await Promise.all(started.map(({ ended }) => ended));
  await namespace.close();
  await services.close();
});

test('nothing that workflows carry is readable in Temporal, and all of it is for who has the key', async () => {
  const worker = start(oldKey, 'worker');
  await worker.told(/polling headrace-orchestrate/);
  const { file, name } = await newSales(services, ROWS);
  const [one, two] = [unique('one'), unique('two')];
  const report = await documentOf<RunReport>(
    headrace(oldKey, 'run', file, '--json', '--replay-id', one, '--where', `name <> '${MARK}'`),
  );
  expect(report).toMatchObject({ ok: true, rows: { source: ROWS, loaded: ROWS } });

  // A refusal's words come through as well, and stay out of the history.
  const refused = writePipeline(services.folder, unique('secretive'), { table: `public.${MARK.replaceAll('-', '_')}` });
  const failed = await headrace(oldKey, 'run', refused.file, '--json');
  expect(failed.code).toBe(2);
  expect(JSON.parse(failed.stdout)).toMatchObject({ ok: false, error: { code: 'TableMissing' } });
  expect(failed.stdout).toContain(MARK.replaceAll('-', '_'));
  await documentOf(headrace(oldKey, 'load', file, '--every', '1h', '--json'));

  const { workflows, schedules } = await keptByTemporal(client);
  expect(workflows.map(({ workflowId }) => workflowId)).toEqual(
    expect.arrayContaining([
      `run/${name}/${one}`,
      `replay/${name}/${one}`,
      `load/${name}/${one}`,
      `verify/${name}/${one}`,
    ]),
  );
  expect(schedules).toHaveLength(1);
  const kept = textsOf([workflows, schedules]);
  expect(kept.filter((text) => text.includes('binary/encrypted')).length).toBeGreaterThan(20);
  for (const plain of [MARK, MARK.replaceAll('-', '_'), '"spec"', 'chunkRows', 'does not exist', 'checksum', 'rows'])
    expect(kept.filter((text) => text.includes(plain))).toEqual([]);

  // What the UI filters by is a search attribute, which is not encrypted.
  const found: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: `HeadracePipeline = '${name}'` }))
    found.push(workflowId);
  expect(found).toContain(`run/${name}/${one}`);
  const { stdout } = await headrace(oldKey, 'status', file);
  expect(stdout).toMatch(new RegExp(`run/${name}/${one} +completed +done`));

  // The workers first, then whoever starts workflows: both keys until the old one's workflows have ended.
  worker.kill('SIGTERM');
  await worker.ended;
  const both = `${newKey},${oldKey}`;
  await start(both, 'worker').told(/polling headrace-orchestrate/);
  expect(await documentOf(headrace(both, 'run', file, '--json', '--replay-id', one))).toEqual(report);
  expect(await documentOf(headrace(both, 'run', file, '--json', '--replay-id', two))).toMatchObject({ ok: true });
  expect(await documentOf(headrace(newKey, 'run', file, '--json', '--replay-id', two))).toMatchObject({ ok: true });

  for (const keys of [newKey, '', `old:${randomBytes(32).toString('base64')}`]) {
    const blind = await headrace(keys, 'run', file, '--json', '--replay-id', one);
    expect(blind.code).toBe(2);
    expect(blind.stdout).toMatch(
      /encrypted with (the key old|another key of that id).*temporal\.encryptionKeys|temporal\.encryptionKeys.*another key of that id/,
    );
  }
}, 180_000);

test('the codec server decodes for the Temporal UI, and for no other page', async () => {
  const server = start(oldKey, 'codec', '--port', '0', '--ui', UI);
  await server.told(/decodes for/);
  server.kill('SIGTERM');
  const address = /http:\/\/127\.0\.0\.1:\d+/.exec((await server.ended).stderr)?.[0];
  expect(address).toBeDefined();

  const again = start(oldKey, 'codec', '--port', new URL(address ?? '').port, '--ui', `${UI}/some/page`);
  await again.told(/decodes for/);
  const post = (path: string, origin: string, payloads: unknown) =>
    fetch(`${address ?? ''}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-namespace': 'default', origin },
      body: JSON.stringify({ payloads }),
    });
  const json = (text: string) => Buffer.from(text).toString('base64');
  const plain = [{ metadata: { encoding: json('json/plain') }, data: json('{"rows":3}') }];
  const encoded = await post('/encode', UI, plain);
  const { payloads } = (await encoded.json()) as { payloads: { metadata: Record<string, string>; data: string }[] };
  expect(Buffer.from(payloads[0]?.metadata.encoding ?? '', 'base64').toString()).toBe('binary/encrypted');
  const decoded = await post('/decode', UI, payloads);
  expect(decoded.headers.get('access-control-allow-origin')).toBe(UI);
  expect(await decoded.json()).toEqual({ payloads: plain });

  const foreign = await post('/decode', 'http://evil.example', payloads);
  expect(foreign.status).toBe(403);
  expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  expect(await foreign.text()).not.toContain(json('{"rows":3}'));
  const changed = [{ ...payloads[0], data: json('changed on its way') }];
  expect((await post('/decode', UI, changed)).status).toBe(400);
  again.kill('SIGINT');
  expect((await again.ended).code).toBe(0);
}, 60_000);
