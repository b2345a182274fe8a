/**
 * `npm run bench:peers [-- --rows N --only NAME --json]`: each hop and what a user would pick instead, one after the other in
 * one run, on the same rows, machine and services (a stack of its own). Headrace keeps all its promises meanwhile; what a peer
 * promises stands in its row. docs/benchmarks.md says how each is measured. Exit code 1 if a peer failed: its row says why.
 *
 * Ratios are those of Headrace's second round: peers meet a broker and databases that its first one has warmed, and Spark's
 * and Connect's processes have worked before the clock. The first round has rows of its own.
 */
import { numberText } from '../contracts/count-words.ts';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tableText } from '../cli/output.ts';
import { type Hop, measureRounds } from './hops.ts';
import { wholeNumber } from './options.ts';
import { debezium } from './peers/debezium.ts';
import { dlt } from './peers/dlt.ts';
import { duckdb } from './peers/duckdb.ts';
import { iceberg } from './peers/iceberg.ts';
import type { Peer, PeerInput } from './peers/peer.ts';
import { spark } from './peers/spark.ts';
import { fillShape, shapePipeline } from './shapes.ts';
import { say, withStack } from './stack.ts';

const PEERS: readonly Peer[] = [debezium, iceberg, ...dlt, ...duckdb, ...spark];

/** The hops that have peers; the fourth is the whole. */
const HOPS: readonly Hop[] = ['replay', 'land', 'load'];
const TITLES: Readonly<Record<Hop, string>> = {
  replay: 'PostgreSQL to Kafka',
  land: 'Kafka to Parquet',
  load: 'Parquet to PostgreSQL',
  run: 'the whole',
};

/** `--json` prints a list of these. */
export interface PeerReport {
  hop: Hop;
  name: string;
  title: string;
  promises: string;
  rowsPerSecond?: number;
  /** Headrace's rows a second by the peer's. */
  ratio?: number;
  error?: string;
}

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    only: { type: 'string', multiple: true, default: [] },
    json: { type: 'boolean', default: false },
  },
});

function chosen(names: readonly string[]): readonly Peer[] {
  const unknown = names.filter((name) => !PEERS.some((peer) => peer.name === name));
  if (unknown.length > 0) {
    throw new Error(`--only ${unknown.join(', ')}: one of ${PEERS.map(({ name }) => name).join(', ')}`);
  }
  return names.length === 0 ? PEERS : PEERS.filter(({ name }) => names.includes(name));
}

async function measurePeer(peer: Peer, input: PeerInput, headrace: number): Promise<PeerReport> {
  const { hop, name, title, promises } = peer;
  mkdirSync(input.folder);
  try {
    const { arrived, seconds } = await peer.run(input);
    if (arrived !== input.rows) throw new Error(`${arrived} rows arrived of ${input.rows}`);
    say(`${name}: ${seconds.toFixed(1)} s`);
    const rowsPerSecond = Math.round(arrived / seconds);
    return { hop, name, title, promises, rowsPerSecond, ratio: Number((headrace / rowsPerSecond).toFixed(2)) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    say(`!! ${name} FAILED: ${message}`);
    return { hop, name, title, promises, error: message };
  }
}

async function measure(rows: number, peers: readonly Peer[]): Promise<PeerReport[]> {
  return await withStack(async (stack) => {
    await fillShape(stack.info.postgres.sales, 'sales', rows);
    const { env, folder } = stack;
    const own = { env, folder, say, pipeline: shapePipeline('sales'), rows, workers: 1 };
    const [first, second = first] = await measureRounds(own, 2);
    const { name: topic, hops } = second;
    const input = { stack, rows, topic, prefix: `bench/${topic}` };
    const promises = 'exactly once through any crash';
    const reports: PeerReport[] = [];
    for (const hop of HOPS) {
      const { rowsPerSecond } = hops[hop];
      const fresh = first.hops[hop].rowsPerSecond;
      const cold = { hop, name: 'headrace-cold', title: 'Headrace, by processes just started', promises };
      reports.push({ hop, name: 'headrace', title: 'Headrace', promises, rowsPerSecond, ratio: 1 });
      reports.push({ ...cold, rowsPerSecond: fresh, ratio: Number((rowsPerSecond / fresh).toFixed(2)) });
      for (const peer of peers.filter((each) => each.hop === hop)) {
        reports.push(await measurePeer(peer, { ...input, folder: join(folder, peer.name) }, rowsPerSecond));
      }
    }
    return reports;
  });
}

function text(reports: readonly PeerReport[]): string {
  const lines = reports.map(({ hop, title, promises, rowsPerSecond, ratio }) => [
    TITLES[hop],
    title,
    rowsPerSecond === undefined ? 'FAILED' : numberText(rowsPerSecond),
    ratio === undefined ? '' : `${ratio.toFixed(2)}x`,
    promises,
  ]);
  return tableText(['hop', 'tool', 'rows/s', 'Headrace is', 'promises'], lines, [
    'left',
    'left',
    'right',
    'right',
    'left',
  ]);
}

const rows = wholeNumber('rows', values.rows, 3);
const reports = await measure(rows, chosen(values.only));
process.stdout.write(
  values.json
    ? `${JSON.stringify(reports, undefined, 2)}\n`
    : `sales, ${numberText(rows)} rows, one worker process a hop\n${text(reports)}\n`,
);
if (reports.some(({ error }) => error !== undefined)) process.exitCode = 1;
