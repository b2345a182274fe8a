/**
 * `npm run bench:startup -- [--runs N] [--json]`: how long `headrace --help` takes, and how long after `headrace run` has been asked
 * for its first row is in the topic, with a worker that waits. Medians, with the fastest and the slowest.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { tableText } from '../cli/output.ts';
import { openTopicAdmin } from '../connectors/kafka/admin.ts';
import { down } from '../stack/down.ts';
import { CHECKOUT, childEnvironment, stackFolders } from '../stack/environment.ts';
import { up } from '../stack/up.ts';
import { migrate } from '../workers/migrate.ts';
import { COMMAND, runCommand, startMeasuredWorker } from './proc.ts';
import { fillProductSales } from './product-sales.ts';

const ROWS = 1_000;
const LOOK_EVERY_MS = 5;
const QUEUES = ['orchestrate', 'read', 'land', 'load'];

interface Spread {
  median: number;
  least: number;
  most: number;
}

const { values } = parseArgs({ options: { runs: { type: 'string', default: '11' }, json: { type: 'boolean' } } });
const runs = Number(values.runs);
if (!Number.isSafeInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs}: a whole number from 1 on`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

function spreadOf(seconds: readonly number[]): Spread {
  const sorted = [...seconds].sort((a, b) => a - b);
  const at = (place: number): number => Number((sorted[place] ?? 0).toFixed(3));
  return { median: at(Math.floor(sorted.length / 2)), least: at(0), most: at(sorted.length - 1) };
}

async function repeat(what: string, once: () => Promise<number>): Promise<Spread> {
  const seconds: number[] = [];
  for (let run = 0; run < runs; run += 1) seconds.push(await once());
  const spread = spreadOf(seconds);
  say(`${what}: ${spread.median} s`);
  return spread;
}

async function secondsOfCommand(args: readonly string[]): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, [COMMAND, ...args], { env: childEnvironment(), stdio: 'ignore' });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`headrace ${args.join(' ')} ended with ${code ?? 'a signal'}`);
  return (performance.now() - began) / 1000;
}

/** A new table's first run: plan, topic, warehouse table and all. */
async function measureFirstRow(): Promise<Spread> {
  const home = join(CHECKOUT, '.headrace', `startup-${process.pid}`);
  const folder = mkdtempSync(join(tmpdir(), 'headrace-startup-'));
  const workers: { stop(): Promise<void> }[] = [];
  try {
    const info = await up({ home, cache: stackFolders().cache });
    const env = { ...info.env, HEADRACE_HOME: home };
    await migrate({ control: { url: info.postgres.control } });
    await fillProductSales(info.postgres.sales, ROWS);
    for (const queue of QUEUES) workers.push(await startMeasuredWorker(queue, env));
    const topics = openTopicAdmin({ brokers: info.kafka.brokers });
    try {
      return await repeat('first row', async () => {
        const name = `startup-${Date.now().toString(36)}`;
        const file = join(folder, `${name}.yaml`);
        writeFileSync(
          file,
          `name: ${name}\nsource: { connection: sales, table: public.product_sales }\ntopic: { name: ${name}, partitions: 2 }\n` +
            `lake: { bucket: lake, prefix: bench/${name} }\nwarehouse: { connection: warehouse, table: bench.${name.replaceAll('-', '_')} }\n`,
        );
        const began = performance.now();
        const running = runCommand(['run', file], env);
        while (!(await hasRow(name))) await sleep(LOOK_EVERY_MS);
        const seconds = (performance.now() - began) / 1000;
        await running;
        return seconds;
      });
    } finally {
      await topics.close();
    }

    async function hasRow(topic: string): Promise<boolean> {
      const facts = await topics.describe(topic).catch(() => null);
      if (!facts) return false;
      const ends = await topics.highWatermarks(topic, facts.partitions).catch(() => ({}));
      return Object.values(ends).some((end) => end > 0);
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
    rmSync(folder, { recursive: true });
    await down({ home, purge: true });
  }
}

await secondsOfCommand(['--version']); // the first call of a checkout compiles
const report = {
  help: await repeat('headrace --help', () => secondsOfCommand(['--help'])),
  commandHelp: await repeat('headrace help run', () => secondsOfCommand(['help', 'run'])),
  firstRow: await measureFirstRow(),
};
const lines = Object.entries(report).map(([name, { median, least, most }]) =>
  [name, median, least, most].map((value) => String(value)),
);
const head = ['what', 'median s', 'least', 'most'];
process.stdout.write(
  `${values.json === true ? JSON.stringify(report) : tableText(head, lines, ['left', 'right', 'right', 'right'])}\n`,
);
