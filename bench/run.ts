/**
 * `npm run bench -- [--rows N] [--shape sales|narrow|wide] [--workers N] [--all] [--json]`: rows a second, CPU seconds and
 * peak memory of each hop alone and of the whole from start to verified, one worker process a hop, all services on this
 * machine, a stack of its own, by processes just started and once more by the same; and each hop against its limits in the
 * same run (bench/limits.ts).
 */
import { parseArgs } from 'node:util';
import { tableText } from '../cli/output.ts';
import { type Hop, type Measured, measureRounds } from './hops.ts';
import { type Limit, measureLimits } from './limits.ts';
import { wholeNumber } from './options.ts';
import { SHAPES, type Shape, fillShape, shapePipeline } from './shapes.ts';
import { say, withStack } from './stack.ts';

interface Case {
  shape: Shape;
  rows: number;
  workers: number;
}

/** `--json` prints a list of these. */
export interface BenchReport extends Case {
  /** By processes that have just started. */
  hops: Record<Hop, Measured>;
  /** The same once more, by the same processes; not of large cases, whose start weighs little. */
  warm?: Record<Hop, Measured>;
  limits: readonly Limit[];
}

/** What `--all` measures: the usual, ten times as many rows, and rows of other widths. */
const ALL: readonly Case[] = [
  { shape: 'sales', rows: 1_000_000, workers: 1 },
  { shape: 'sales', rows: 10_000_000, workers: 1 },
  { shape: 'narrow', rows: 1_000_000, workers: 1 },
  { shape: 'wide', rows: 200_000, workers: 1 },
];

/** More rows than these are measured once. */
const TWICE_MOST = 2_000_000;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    shape: { type: 'string', default: 'sales' },
    workers: { type: 'string', default: '1' },
    all: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

function shapeOf(text: string): Shape {
  const shape = SHAPES.find((each) => each === text);
  if (shape === undefined) throw new Error(`--shape ${text}: one of ${SHAPES.join(', ')}`);
  return shape;
}

async function measureCase(each: Case): Promise<BenchReport> {
  const { shape, rows } = each;
  return await withStack(async ({ info, env, folder, cache }) => {
    await fillShape(info.postgres.sales, shape, rows);
    say(`${shape}: ${rows} rows`);
    const input = { env, folder, say, pipeline: shapePipeline(shape), rows, workers: each.workers };
    const [first, again] = await measureRounds(input, rows <= TWICE_MOST ? 2 : 1);
    const { name, hops } = first;
    const limits = await measureLimits({ info, cache, folder, shape, rows, topic: name, prefix: `bench/${name}` });
    return { ...each, hops, ...(again === undefined ? {} : { warm: again.hops }), limits };
  });
}

const HOPS: readonly Hop[] = ['replay', 'land', 'load', 'run'];
const ALL_RIGHT = ['right', 'right', 'right', 'right'] as const;

const number = (value: number): string => value.toLocaleString('en-US');

function text({ shape, rows, workers, hops, warm, limits }: BenchReport): string {
  const steady = warm ?? hops;
  const measured = HOPS.map((hop) => [
    hop,
    number(hops[hop].rowsPerSecond),
    warm === undefined ? '' : number(warm[hop].rowsPerSecond),
    steady[hop].cpuSeconds.toFixed(1),
    number(steady[hop].peakRssMiB),
  ]);
  const against = limits.map(({ hop, what, rowsPerSecond }) => [
    hop,
    what,
    number(rowsPerSecond),
    `${Math.round((100 * steady[hop].rowsPerSecond) / rowsPerSecond)} %`,
  ]);
  return [
    `${shape}, ${number(rows)} rows, ${workers} worker process${workers === 1 ? '' : 'es'} a hop`,
    tableText(['hop', 'rows/s', 'once warm', 'CPU s', 'peak RSS MiB'], measured, ['left', ...ALL_RIGHT]),
    tableText(['hop', 'limit, in the same run', 'rows/s', 'hop/limit'], against, ['left', 'left', 'right', 'right']),
  ].join('\n');
}

async function main(): Promise<void> {
  const one: Case = {
    shape: shapeOf(values.shape),
    rows: wholeNumber('rows', values.rows, 3),
    workers: wholeNumber('workers', values.workers, 1),
  };
  const reports: BenchReport[] = [];
  for (const each of values.all ? ALL : [one]) {
    const report = await measureCase(each);
    reports.push(report);
    if (!values.json) process.stdout.write(`${text(report)}\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(reports)}\n`);
}

await main();
