/** The test stack's services as a test reaches them: no code of ours between, so that what is read is what is there. */
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { required } from '../replay/setting.ts';

export interface Services {
  sales: pg.Pool;
  warehouse: pg.Pool;
  control: pg.Pool;
  temporal: Client;
  /** Of this test file, removed at its end: pipeline files, downloads. */
  folder: string;
  getObject(bucket: string, name: string): Promise<Uint8Array>;
  /** Names of all objects under a prefix, by the bucket itself. */
  listObjects(bucket: string, prefix: string): Promise<string[]>;
  /** Names and metadata of the objects with a prefix, a text each. */
  metadataOf(bucket: string, prefix: string): Promise<string[]>;
  close(): Promise<void>;
}

/** @param place the Temporal server and namespace, where it is not the test stack's */
export async function openServices(
  place = { address: required('HEADRACE_TEMPORAL_ADDRESS'), namespace: required('HEADRACE_TEMPORAL_NAMESPACE') },
): Promise<Services> {
  const pools = ['HEADRACE_CONNECTION_SALES', 'HEADRACE_CONNECTION_WAREHOUSE', 'HEADRACE_CONTROL_URL'].map((name) => {
    const pool = new pg.Pool({ connectionString: required(name), max: 3, connectionTimeoutMillis: 5_000 });
    pool.on('error', () => undefined); // idle connections die with a server that is killed
    return pool;
  });
  const [sales, warehouse, control] = pools;
  if (!sales || !warehouse || !control) throw new Error('three pools were asked for');
  const connection = await Connection.connect({ address: place.address });
  const temporal = new Client({ connection, namespace: place.namespace });
  const s3 = new S3Client({
    endpoint: required('HEADRACE_S3_ENDPOINT'),
    region: required('HEADRACE_S3_REGION'),
    forcePathStyle: true,
  });
  const folder = mkdtempSync(join(tmpdir(), 'headrace-whole-'));
  return {
    sales,
    warehouse,
    control,
    temporal,
    folder,
    async getObject(bucket, name) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: name }));
      if (!Body) throw new Error(`object ${name} has no body`);
      return await Body.transformToByteArray();
    },
    async listObjects(bucket, prefix) {
      const names: string[] = [];
      for (let token: string | undefined; ;) {
        const request = { Bucket: bucket, Prefix: prefix, ContinuationToken: token };
        const page = await s3.send(new ListObjectsV2Command(request));
        names.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''));
        token = page.NextContinuationToken;
        if (token === undefined) return names;
      }
    },
    async metadataOf(bucket, prefix) {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
      return Promise.all(
        Contents.map(async ({ Key }) => {
          const { Metadata } = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key }));
          return JSON.stringify([Key, Metadata]);
        }),
      );
    },
    async close() {
      // What a failed test left must not occupy the next file's workers.
      for await (const { workflowId } of temporal.workflow.list({ query: `ExecutionStatus = 'Running'` })) {
        await temporal.workflow.getHandle(workflowId).terminate('its test is over');
      }
      s3.destroy();
      await Promise.all([...pools.map((pool) => pool.end()), connection.close()]);
      rmSync(folder, { recursive: true });
    },
  };
}

/** The variables that name the stack's services, as a shell that ran `headrace up` would hold them. */
export function stackEnvironment(): Record<string, string> {
  const ours = Object.entries(process.env).filter(([name]) => /^(HEADRACE_|AWS_)/.test(name));
  return Object.fromEntries(ours.map(([name, value]) => [name, value ?? '']));
}

const LOOK_EVERY_MS = 25;

/** Looks until there is something to see. @throws Error with `what` after so many seconds */
export async function eventually<T>(what: string, seconds: number, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > deadline) throw new Error(`after ${seconds} s still not: ${what}`);
    await sleep(LOOK_EVERY_MS);
  }
}
