/**
 * How fast the generators are: every profile to every way out, by the command itself on a stack of the bench's own. Prints
 * rows a second as the command measures them, processor time and peak memory of its process, and the machine's load, without
 * which a rate says little.
 *
 *   npm run bench:generators -- --events 1000000
 */
import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { profiles } from '../generators/profiles.ts';
import { childEnvironment } from '../stack/environment.ts';
import { wholeNumber } from './options.ts';
import { COMMAND, cpuSecondsOf, peakRssMiBOf } from './proc.ts';
import { say, withStack } from './stack.ts';

const { values } = parseArgs({ options: { events: { type: 'string', default: '500000' } } });
const events = wholeNumber('events', values.events, 1_000);
const LOOK_MS = 50;

interface Measured {
  written: number;
  seconds: number;
  cpuSeconds: number;
  peakMiB: number;
}

await withStack(async ({ env, folder }) => {
  const load = loadavg()[0] ?? 0;
  say(`load before: ${load.toFixed(1)}`);
  for (const profile of profiles.keys()) {
    for (const [way, to] of [
      ['files', ['files', join(folder, profile)]],
      ['db', ['db:sales']],
      ['kafka', ['kafka']],
    ] as const) {
      const found = await measure(profile, to, env);
      const { written, seconds, cpuSeconds, peakMiB } = found;
      const rate = Math.round(written / seconds).toLocaleString('en');
      const processor = ((cpuSeconds / written) * 1e6).toFixed(1);
      process.stdout.write(
        `${profile.padEnd(14)} ${way.padEnd(6)} ${rate.padStart(9)} rows/s  ${processor.padStart(5)} us of processor a row, start included  ${peakMiB} MiB\n`,
      );
    }
  }
});

/** @throws Error with what the command said, where it failed */
async function measure(
  profile: string,
  to: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Measured> {
  const child = spawn(
    process.execPath,
    [COMMAND, 'generate', profile, '--to', ...to, '--events', String(events), '--replace', '--json'],
    { env: childEnvironment(env), stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [out, told, cpuSeconds, peakMiB] = ['', '', 0, 0];
  child.stdout.on('data', (data: Buffer) => void (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => void (told += data.toString()));
  const look = setInterval(() => {
    try {
      cpuSeconds = cpuSecondsOf(child.pid ?? 0);
      // A process that is ending has none.
      peakMiB = Math.max(peakMiB, Math.round(peakRssMiBOf(child.pid ?? 0)));
    } catch {
      // It has just ended: the last look holds.
    }
  }, LOOK_MS);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearInterval(look);
  if (code !== 0) throw new Error(`generate ${profile} --to ${to.join(' ')} ended with ${code ?? 'a signal'}: ${told}`);
  const { written, seconds } = JSON.parse(out) as { written: number; seconds: number };
  return { written, seconds, cpuSeconds, peakMiB };
}
