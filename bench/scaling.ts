/**
 * `npm run bench:scaling -- [--rows N]`: what docs/scaling.md says of more workers and of what all of them share. Each hop with
 * 1, 2 and 4 worker processes; how many cuts a second the manifest takes; how many chunks a second one replay's workflow
 * takes, and what each leaves in its history.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import type { Manifest } from '../activities/ports/manifest.ts';
import { tableText } from '../cli/output.ts';
import { openManifest } from '../connectors/postgres/manifest-store.ts';
import { openPool } from '../connectors/postgres/pool.ts';
import { measureHops } from './hops.ts';
import { runCommand, startMeasuredWorker } from './proc.ts';
import { fillShape, shapePipeline } from './shapes.ts';
import { type BenchStack, say, withStack } from './stack.ts';

const WORKERS = [1, 2, 4];
const CUTS = 2_000;
const PARTITIONS = [1, 4, 16];
const SMALL_CHUNKS = 500;
const ROWS_A_CHUNK = 100;

const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } });
const rows = Number(values.rows);

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

/** Cuts a second: an intent and a seal each, the partitions side by side. */
async function cutsASecond(manifest: Manifest, partitions: number): Promise<number> {
  const dataset = `lake/${randomUUID()}`;
  const each = Math.ceil(CUTS / partitions);
  const began = performance.now();
  await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const place = { dataset, topicId: 'bench', topic: 'bench', partition, generation: 1, claimedBy: 'bench' };
      const claim = await manifest.claim({ ...place, token: randomUUID(), logStart: 0 });
      if (!claim) throw new Error('the claim was refused');
      for (let cut = 0; cut < each; cut++) {
        const [start, end] = [cut * 10_000, (cut + 1) * 10_000];
        const name = `${dataset}/${partition}/${start}-${end}.parquet`;
        await manifest.intend(claim, {
          ...{ start, end, reason: 'records', rows: 10_000, bytes: 200_000, objects: [{ name, rows: 10_000 }] },
          ...{ inputSha256: 'ab', schemaVersion: 'v1', deadLetters: 0 },
          encoder: { format: 'parquet', version: 1, compression: 'zstd', rowGroupRows: 100_000 },
        });
        await manifest.seal(claim, { start, attempt: 0, end });
      }
    }),
  );
  return (each * partitions) / ((performance.now() - began) / 1000);
}

/** A replay of chunks so small that they cost nothing but their coordination. */
async function chunksASecond({ info, env, folder }: BenchStack): Promise<{ chunks: number; events: number }> {
  await fillShape(info.postgres.sales, 'narrow', SMALL_CHUNKS * ROWS_A_CHUNK);
  const name = 'bench-small-chunks';
  const file = join(folder, `${name}.yaml`);
  const small = `chunkRows: ${ROWS_A_CHUNK}, lanes: 16, table:`;
  writeFileSync(file, shapePipeline('narrow')(name).replace('table:', small));
  const workers = [await startMeasuredWorker('orchestrate', env), await startMeasuredWorker('read', env)];
  try {
    const began = performance.now();
    const answer = await runCommand(['replay', file], env);
    const seconds = (performance.now() - began) / 1000;
    if (typeof answer !== 'object' || answer === null || !('replayId' in answer)) throw new Error('no replay id');
    const connection = await Connection.connect({ address: info.temporal.address });
    const client = new Client({ connection });
    const { historyLength } = await client.workflow.getHandle(`replay/${name}/${String(answer.replayId)}`).describe();
    await connection.close();
    return { chunks: SMALL_CHUNKS / seconds, events: historyLength / SMALL_CHUNKS };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

for (const workers of WORKERS) {
  const { hops } = await withStack(async ({ info, env, folder }) => {
    await fillShape(info.postgres.sales, 'sales', rows);
    return measureHops({ env, folder, pipeline: shapePipeline('sales'), rows, workers, say });
  });
  const lines = Object.entries(hops).map(([hop, measured]) => [
    hop,
    number(measured.rowsPerSecond),
    measured.cpuSeconds.toFixed(1),
  ]);
  process.stdout.write(`${workers} worker processes a hop\n${tableText(['hop', 'rows/s', 'CPU s'], lines)}\n`);
}
await withStack(async (stack) => {
  const pool = openPool({ url: stack.info.postgres.control }, 'bench', Math.max(...PARTITIONS));
  for (const partitions of PARTITIONS) {
    const cuts = await cutsASecond(openManifest(pool), partitions);
    process.stdout.write(`manifest, ${partitions} partitions side by side: ${number(cuts)} cuts/s\n`);
  }
  await pool.end();
  const { chunks, events } = await chunksASecond(stack);
  process.stdout.write(
    `one replay's workflow: ${chunks.toFixed(1)} chunks/s, ${events.toFixed(1)} history events a chunk\n`,
  );
});
