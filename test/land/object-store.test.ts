/** The object store on a real server: one creator a name, lost answers come out as 'exists', whole files come back. */
import { DeleteObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { putObject } from '../../activities/land-object.ts';
import { openObjectStore } from '../../connectors/s3/object-store.ts';
import { BUCKET, required } from './services.ts';

const settings = (endpoint = required('HEADRACE_S3_ENDPOINT')) => ({ endpoint, region: 'us-east-1', pathStyle: true });
const store = openObjectStore(settings());
let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), 'headrace-store-test-'))));
afterAll(async () => {
  store.close();
  await rm(directory, { recursive: true, force: true });
});

async function file(bytes: Buffer): Promise<string> {
  const path = join(directory, randomUUID());
  await writeFile(path, bytes);
  return path;
}
const name = () => `test/${randomUUID()}`;

test('what is put comes back, with its metadata', async () => {
  const bytes = randomBytes(3_000_000);
  const object = name();
  expect(await store.head(BUCKET, object)).toBeNull();
  expect(await store.putIfAbsent(BUCKET, object, await file(bytes), { 'headrace-rows': '5' })).toBe('created');
  expect(await store.head(BUCKET, object)).toEqual({ bytes: 3_000_000, metadata: { 'headrace-rows': '5' } });
  const back = join(directory, randomUUID());
  expect(await store.download(BUCKET, object, back)).toBe(3_000_000);
  expect(bytes.equals(await readFile(back))).toBe(true);
});

test('of sixteen who put one name at once, one creates it', async () => {
  const object = name();
  const paths = await Promise.all(Array.from({ length: 16 }, (_, i) => file(Buffer.from(`writer ${i}`))));
  const answers = await Promise.all(paths.map((path) => store.putIfAbsent(BUCKET, object, path, {})));
  expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
});

test('an object of the same name is judged by rows and input hash', async () => {
  const path = await file(Buffer.from('rows'));
  const lake = {
    bucket: BUCKET,
    prefix: 'test',
    format: 'parquet' as const,
    rotate: { records: 1, bytes: 1, ageMs: 1 },
  };
  const facts = {
    ...{ name: name(), rows: 5, inputSha256: 'aa', schemaVersion: 'v1', deadLetters: 0 },
    ...{ logStart: 0, since: 0, sinceDeadLetters: 0, objects: 1 },
    encoder: { format: 'parquet' as const, version: 1, compression: 'zstd' as const, rowGroupRows: 1 },
  };
  await putObject(store, lake, facts, path);
  await putObject(store, lake, facts, path);
  await expect(putObject(store, lake, { ...facts, rows: 6 }, path)).rejects.toMatchObject({ code: 'ObjectConflict' });
  await expect(putObject(store, lake, { ...facts, inputSha256: 'ab' }, path)).rejects.toMatchObject({
    code: 'ObjectConflict',
  });
});

test('an answer lost after the PUT went in comes out as exists', async () => {
  let lost = 0;
  const proxy = await listen((method) => method === 'PUT' && lost++ === 0);
  const behind = openObjectStore(settings(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`));
  const object = name();
  expect(await behind.putIfAbsent(BUCKET, object, await file(Buffer.from('once')), { 'headrace-rows': '1' })).toBe(
    'exists',
  );
  expect(await store.head(BUCKET, object)).toEqual({ bytes: 4, metadata: { 'headrace-rows': '1' } });
  behind.close();
  proxy.close();
});

test('a store that ignores If-None-Match, or has no such bucket, is refused', async () => {
  await store.probe(BUCKET, 'test/probe');
  await store.probe(BUCKET, 'test/probe');
  await expect(store.probe(`no-such-${randomUUID()}`, 'test')).rejects.toMatchObject({ code: 'StoreUnsuited' });
  const proxy = await listen(() => false, true);
  const careless = openObjectStore(settings(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`));
  await expect(careless.probe(BUCKET, 'test/careless')).rejects.toMatchObject({ code: 'StoreUnsuited' });
  careless.close();
  proxy.close();
});

test('a store that is not there is a fault that a retry may mend', async () => {
  const nowhere = openObjectStore(settings('http://127.0.0.1:1'));
  await expect(nowhere.head(BUCKET, 'x')).rejects.toMatchObject({ code: 'StoreUnavailable', retry: true });
  nowhere.close();
});

test('without credentials the fault says where they are set', async () => {
  const names = Object.keys(process.env).filter((name) => name.startsWith('AWS_'));
  for (const name of names) vi.stubEnv(name, undefined);
  vi.stubEnv('HOME', directory);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  const bare = openObjectStore(settings());
  try {
    await expect(bare.head(BUCKET, 'x')).rejects.toMatchObject({
      code: 'AccessDenied',
      message: expect.stringMatching(
        /set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or s3\.accessKeyId and s3\.secretAccessKey in headrace\.yaml$/,
      ) as string,
    });
  } finally {
    bare.close();
    vi.unstubAllEnvs();
  }
});

/** A proxy to the real store that cuts the connection instead of answering where told, or hides the condition from it. */
async function listen(lose: (method: string) => boolean, hideCondition = false): Promise<Server> {
  const target = new URL(required('HEADRACE_S3_ENDPOINT'));
  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/' } = incoming;
    const headers = { ...incoming.headers };
    // The signature covers the header, so it cannot be taken away. To a store without conditions the object might as well
    // not be there: deleting it first looks the same from outside.
    const onward = () => {
      const up = request({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
        if (lose(method)) {
          answer.resume();
          answer.on('end', () => incoming.socket.destroy());
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      up.on('error', () => incoming.socket.destroy());
      incoming.pipe(up);
    };
    if (hideCondition && method === 'PUT') void removeObject(url).then(onward);
    else onward();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function removeObject(url: string): Promise<void> {
  const client = new S3Client({ ...settings(), forcePathStyle: true });
  const key = decodeURIComponent(new URL(url, 'http://any').pathname).slice(`/${BUCKET}/`.length);
  await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key: key }));
  client.destroy();
}
