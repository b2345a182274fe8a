/**
 * Each hop alone and the whole from start to verified, by the command line's own commands on worker processes of its own:
 * rows a second, processor time and peak memory. Names are new each time, so nothing is found already done.
 *
 * The first round meets processes that have just started: nothing is compiled, the broker makes its transactions' log. A second
 * one on the same workers is what those of a service, which run for weeks, do.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type MeasuredWorker, runCommand, startMeasuredWorker } from './proc.ts';

export interface Measured {
  rowsPerSecond: number;
  cpuSeconds: number;
  /** Of the hop's largest worker. */
  peakRssMiB: number;
}
export type Hop = 'replay' | 'land' | 'load' | 'run';

export interface HopsInput {
  env: Readonly<Record<string, string>>;
  folder: string;
  /** @returns a pipeline file of that name */
  pipeline: (name: string) => string;
  rows: number;
  /** Worker processes a queue. */
  workers: number;
  say: (line: string) => void;
}

/** `name` is the topic's and the pipeline's of the hops measured alone, `bench/<name>` its lake prefix. */
export interface Round {
  name: string;
  hops: Record<Hop, Measured>;
}

export async function measureHops(input: HopsInput): Promise<Round> {
  const [only] = await measureRounds(input, 1);
  return only;
}

/** One round after the other on the same workers. */
export async function measureRounds(input: HopsInput, rounds: number): Promise<[Round, ...Round[]]> {
  const { env, say } = input;
  const name = (kind: string): string => `bench-${kind}-${Date.now().toString(36)}`;
  const pipelineFile = (of: string): string => {
    const file = join(input.folder, `${of}.yaml`);
    writeFileSync(file, input.pipeline(of));
    return file;
  };
  const workers: MeasuredWorker[] = [];
  const measure = async (hop: Hop, queue: string | null, work: () => Promise<number>): Promise<Measured> => {
    const of = workers.filter((worker) => queue === null || worker.queue === queue);
    const cpu = (): number => of.reduce((sum, worker) => sum + worker.cpuSeconds(), 0);
    const before = cpu();
    const seconds = await work();
    say(`${hop}: ${seconds.toFixed(1)} s`);
    return {
      rowsPerSecond: Math.round(input.rows / seconds),
      cpuSeconds: Number((cpu() - before).toFixed(2)),
      peakRssMiB: Math.round(Math.max(...of.map((worker) => worker.peakRssMiB()))),
    };
  };
  try {
    workers.push(await startMeasuredWorker('orchestrate', env));
    for (const queue of ['read', 'land', 'load']) {
      for (let number = 0; number < input.workers; number++) workers.push(await startMeasuredWorker(queue, env));
    }
    const measured: [Round, ...Round[]] = [await measureRound()];
    while (measured.length < rounds) {
      say('once more, warm');
      measured.push(await measureRound());
    }
    return measured;
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }

  async function measureRound(): Promise<Round> {
    const alone = name('alone');
    const file = pipelineFile(alone);
    const replay = await measure('replay', 'read', async () => secondsOf(await runCommand(['replay', file], env)));
    const land = await measure('land', 'land', async () =>
      secondsOf(await runCommand(['land', file, '--until-caught-up'], env)),
    );
    const load = await measure('load', 'load', async () => secondsOf(await runCommand(['load', file], env)));
    const whole = pipelineFile(name('whole'));
    const run = await measure('run', null, async () => {
      const began = performance.now();
      await runCommand(['run', whole], env);
      return (performance.now() - began) / 1000;
    });
    return { name: alone, hops: { replay, land, load, run } };
  }
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
