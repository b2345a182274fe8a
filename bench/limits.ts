/**
 * What each hop can be measured against, in the same run on the same machine and data: what the service at its end takes or
 * gives when nothing is promised and nothing is done with the rows. A hop cannot be faster than its limits; the ratio says
 * how much of them is left after the promises are kept, and carries over to other machines where rows/s do not.
 */
import { createReadStream, createWriteStream, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { openObjectStore } from '../connectors/s3/object-store.ts';
import type { StackInfo } from '../stack/types.ts';
import { withClient } from './client.ts';
import { consumerPerformance, producerPerformance } from './kafka-tools.ts';
import { type Shape, TABLES } from './shapes.ts';

export interface Limit {
  hop: 'replay' | 'land' | 'load';
  what: string;
  rowsPerSecond: number;
}

export interface LimitInput {
  info: StackInfo;
  cache: string;
  folder: string;
  shape: Shape;
  rows: number;
  /** Of the pipeline that was measured: its topic is read again, its objects are put again. */
  topic: string;
  prefix: string;
}

/** Distinct messages given to Kafka's producer tool, which repeats them. */
const MESSAGES = 10_000;

export async function measureLimits(input: LimitInput): Promise<Limit[]> {
  const { rows } = input;
  const limits: Limit[] = [];
  const add = async (hop: Limit['hop'], what: string, seconds: () => Promise<number>): Promise<void> => {
    limits.push({ hop, what, rowsPerSecond: Math.round(rows / (await seconds())) });
  };
  const rowsFile = join(input.folder, 'rows');
  await add('replay', 'COPY out of the source, thrown away', () => copyAway(input));
  await add('replay', "Kafka's ProducerPerformance, acks=all, lz4", () => produce(input));
  await add('land', "Kafka's ConsumerPerformance, rows thrown away", () =>
    consumerPerformance({ ...input, brokers: input.info.kafka.brokers }),
  );
  await add('land', "PUT of the lake's objects", () => putAgain(input));
  await copyToFile(input, rowsFile);
  await add('load', 'COPY into an equal, empty table with its key', () => copyIn(input, rowsFile));
  await rm(rowsFile);
  return limits;
}

async function copyAway({ info, shape }: LimitInput): Promise<number> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  return await withClient(info.postgres.sales, (client) =>
    timed(() => pipeline(client.query(copyTo(`COPY ${TABLES[shape]} TO STDOUT`)), nowhere)),
  );
}

async function copyToFile({ info, shape }: LimitInput, file: string): Promise<void> {
  await withClient(info.postgres.sales, (client) =>
    pipeline(client.query(copyTo(`COPY ${TABLES[shape]} TO STDOUT`)), createWriteStream(file)),
  );
}

async function copyIn({ info, shape }: LimitInput, file: string): Promise<number> {
  return await withClient(info.postgres.sales, async (client) => {
    await client.query(`DROP TABLE IF EXISTS public.bench_limit`);
    await client.query(`CREATE TABLE public.bench_limit (LIKE ${TABLES[shape]} INCLUDING ALL)`);
    const seconds = await timed(() =>
      pipeline(
        createReadStream(file, { highWaterMark: 1024 * 1024 }),
        client.query(copyFrom('COPY public.bench_limit FROM STDIN')),
      ),
    );
    await client.query(`DROP TABLE public.bench_limit`);
    return seconds;
  });
}

async function produce({ info, shape, rows, folder, cache, topic }: LimitInput): Promise<number> {
  const file = join(folder, 'messages');
  await withClient(info.postgres.sales, async (client) => {
    const sample = `SELECT row_to_json(t)::text AS message FROM ${TABLES[shape]} AS t LIMIT ${MESSAGES}`;
    const { rows: messages } = await client.query<{ message: string }>(sample);
    writeFileSync(file, messages.map(({ message }) => message).join('\n'));
  });
  return await producerPerformance({ brokers: info.kafka.brokers, cache, topic: `${topic}-limit`, rows, file });
}

/** The objects that the pipeline landed, under other names, four at a time. */
async function putAgain({ info, folder, prefix }: LimitInput): Promise<number> {
  const { s3 } = info;
  const store = openObjectStore({ ...s3, pathStyle: true });
  try {
    const files: string[] = [];
    for await (const page of store.list(s3.bucket, `${prefix}/`)) {
      for (const { name } of page.filter((object) => object.bytes > 0)) {
        files.push(join(folder, `object-${files.length}`));
        await store.download(s3.bucket, name, files.at(-1) ?? '');
      }
    }
    const seconds = await timed(async () => {
      const queue = [...files.entries()];
      const work = async (): Promise<void> => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          await store.putIfAbsent(s3.bucket, `${prefix}-limit/${next[0]}`, next[1], {});
        }
      };
      await Promise.all(Array.from({ length: 4 }, work));
    });
    await Promise.all(files.map((file) => rm(file)));
    return seconds;
  } finally {
    store.close();
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}
