/**
 * `npm run bench -- [--rows N] [--json]`: rows a second, CPU seconds and peak memory of each hop alone and of the whole from
 * start to verified, one worker process a hop, all services on this machine. Names are new each time, so nothing is
 * found already done.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tableText } from '../cli/output.ts';
import { down } from '../stack/down.ts';
import { CHECKOUT, stackFolders } from '../stack/environment.ts';
import { up } from '../stack/up.ts';
import { migrate } from '../workers/migrate.ts';
import { type MeasuredWorker, runCommand, startMeasuredWorker } from './proc.ts';
import { fillProductSales } from './product-sales.ts';

interface Measured {
  rowsPerSecond: number;
  cpuSeconds: number;
  peakRssMiB: number;
}
type Hop = 'replay' | 'land' | 'load' | 'run';
/** `--json` prints exactly this. */
export interface BenchReport {
  rows: number;
  hops: Record<Hop, Measured>;
}

const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' }, json: { type: 'boolean' } } });
const rows = Number(values.rows.replaceAll(/[_,]/g, ''));
if (!Number.isSafeInteger(rows) || rows < 3) throw new Error(`--rows ${values.rows}: a whole number from 3 on`);

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const pipelineText = (name: string): string => `name: ${name}
source: { connection: sales, table: public.product_sales, eventTime: transaction_date }
topic: { name: ${name}, partitions: 6 }
lake: { bucket: lake, prefix: bench/${name} }
warehouse: { connection: warehouse, table: bench.${name.replaceAll('-', '_')} }
`;

async function measureAll(env: Readonly<Record<string, string>>, folder: string): Promise<BenchReport> {
  const pipelineFile = (name: string): string => {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, pipelineText(`bench-${name}-${Date.now().toString(36)}`));
    return file;
  };
  const workers: MeasuredWorker[] = [];
  try {
    for (const queue of ['orchestrate', 'read', 'land', 'load']) workers.push(await startMeasuredWorker(queue, env));
    const only = (queue: string): MeasuredWorker[] => workers.filter((worker) => worker.queue === queue);
    const alone = pipelineFile('alone');
    const replay = await measure('replay', only('read'), async () =>
      secondsOf(await runCommand(['replay', alone], env)),
    );
    const land = await measure('land', only('land'), async () =>
      secondsOf(await runCommand(['land', alone, '--until-caught-up'], env)),
    );
    const load = await measure('load', only('load'), async () => secondsOf(await runCommand(['load', alone], env)));
    const whole = pipelineFile('whole');
    const run = await measure('run', workers, async () => {
      const began = performance.now();
      await runCommand(['run', whole], env);
      return (performance.now() - began) / 1000;
    });
    return { rows, hops: { replay, land, load, run } };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

/** CPU of the given workers while `work` goes on; memory is the largest of theirs. */
async function measure(hop: Hop, workers: readonly MeasuredWorker[], work: () => Promise<number>): Promise<Measured> {
  const cpu = (): number => workers.reduce((sum, worker) => sum + worker.cpuSeconds(), 0);
  const before = cpu();
  const seconds = await work();
  const measured = {
    rowsPerSecond: Math.round(rows / seconds),
    cpuSeconds: Number((cpu() - before).toFixed(2)),
    peakRssMiB: Math.round(Math.max(...workers.map((worker) => worker.peakRssMiB()))),
  };
  say(`${hop}: ${seconds.toFixed(1)} s`);
  return measured;
}

function secondsOf(document: unknown): number {
  if (
    typeof document === 'object' &&
    document !== null &&
    'seconds' in document &&
    typeof document.seconds === 'number'
  ) {
    return document.seconds;
  }
  throw new Error(`a command's answer has no seconds: ${JSON.stringify(document)}`);
}

function text({ hops }: BenchReport): string {
  const lines = Object.entries(hops).map(([hop, { rowsPerSecond, cpuSeconds, peakRssMiB }]) => [
    hop,
    rowsPerSecond.toLocaleString('en-US'),
    cpuSeconds.toFixed(1),
    peakRssMiB.toLocaleString('en-US'),
  ]);
  return tableText(['hop', 'rows/s', 'CPU s', 'peak RSS MiB'], lines, ['left', 'right', 'right', 'right']);
}

async function main(): Promise<void> {
  // Ctrl-C reaches the commands, which end; then the stack is stopped here.
  process.on('SIGINT', () => say('stopping'));
  if (process.platform !== 'linux') throw new Error('the bench reads /proc, so it runs on Linux only');
  const home = join(CHECKOUT, '.headrace', `bench-${process.pid}`);
  const folder = mkdtempSync(join(tmpdir(), 'headrace-bench-'));
  try {
    const info = await up({
      home,
      cache: stackFolders().cache,
      onProgress: ({ service, state, seconds }) =>
        say(`${service.padEnd(9)} ${state.padEnd(9)} ${seconds.toFixed(1)} s`),
    });
    const env = { ...info.env, HEADRACE_HOME: home };
    await migrate({ control: { url: info.postgres.control } });
    const filled = await fillProductSales(info.postgres.sales, rows);
    say(`public.product_sales: ${rows} rows in ${filled.seconds.toFixed(1)} s`);
    const report = await measureAll(env, folder);
    process.stdout.write(`${values.json === true ? JSON.stringify(report) : text(report)}\n`);
  } finally {
    rmSync(folder, { recursive: true });
    await down({ home, purge: true });
  }
}

await main();
