/**
 * The soak: run after run, hurt at random moments in random ways until the time is up; each is then let finish, and all ends
 * are compared. What is done, and with how long a pause, is decided by the seed and printed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, test } from 'vitest';
import { startService, stopService } from '../../stack/fault-controls.ts';
import type { ServiceName } from '../../stack/types.ts';
import { expectExactlyOnce } from '../e2e/ends.ts';
import { finishRun, startRun } from '../faults/midway.ts';
import { required } from '../replay/setting.ts';
import { LINKS } from './exchanges.ts';
import { seed, SOAK, soakSeconds } from './plan.ts';
import { newRandom, type Random } from './random.ts';
import { note, noted } from './results.ts';
import { expectNoStrays, newRun, within } from './run-cell.ts';
import { openStackSlot, type Slot } from './slot.ts';

const WORKERS = 2;
const ROWS = 6_000;
/** Rows a second: 20 s of publishing a run, if nothing happened. */
const RATE = 300;
/** No run is hurt for longer, so that each ends and is looked at. */
const HURT_SECONDS = 60;
const END_SECONDS = 600;
const GRACE_MS = 30 * 60_000;

let slot: Slot;
beforeAll(async () => {
  slot = await openStackSlot();
});
afterAll(async () => slot.close());

/** Each heals what it does before it ends. @returns what it did */
const ACTS: readonly ((random: Random) => Promise<string>)[] = [
  async (random) => {
    const victim = random.pick([...slot.crew]);
    await slot.kill(victim);
    await slot.hire();
    return 'a worker killed';
  },
  async () => {
    await slot.killCrew();
    await Promise.all(Array.from({ length: WORKERS }, () => slot.hire()));
    return 'all workers killed';
  },
  async (random) => {
    const victim = random.pick([...slot.crew]);
    const seconds = random.between(0.5, 25); // the heartbeat's patience is 15 s
    victim.kill('SIGSTOP');
    await sleep(seconds * 1000);
    victim.kill('SIGCONT');
    return `a worker frozen for ${seconds.toFixed(1)} s`;
  },
  async (random) => {
    const name = random.pick(LINKS);
    slot.links[name].reset();
    return Promise.resolve(`connections to ${name} reset`);
  },
  async (random) => onLink(random, 'cut', 6, (link) => link.cut()),
  async (random) => onLink(random, 'silent', 20, (link) => link.silence()),
  async (random) => onLink(random, 'slow', 6, (link) => link.slow(Math.round(random.between(10, 300)))),
  async (random) => {
    const service = random.pick<ServiceName>(['kafka', 'postgres', 's3', 'temporal']);
    const home = required('HEADRACE_HOME');
    await stopService(home, service, 'SIGKILL');
    await sleep(random.between(0, 3_000));
    await startService(home, service);
    return `${service} killed`;
  },
];

async function onLink(
  random: Random,
  how: string,
  most: number,
  act: (link: Slot['links']['kafka']) => void,
): Promise<string> {
  const link = slot.links[random.pick(LINKS)];
  const seconds = random.between(0.2, most);
  act(link);
  await sleep(seconds * 1000);
  link.mend();
  return `${link.name} ${how} for ${seconds.toFixed(1)} s`;
}

test(
  `a soak of ${soakSeconds()} s, seed ${seed()}`,
  async () => {
    const random = newRandom(seed());
    const until = Date.now() + soakSeconds() * 1000;
    while (slot.crew.size < WORKERS) await slot.hire();
    for (let round = 1; Date.now() < until; round++) {
      await noted(`soak, round ${round}`, async () => {
        const acts = await soak(random, Math.min(until, Date.now() + HURT_SECONDS * 1000));
        return { what: acts.join('; ') };
      });
    }
    note({ name: SOAK, ok: true, seconds: soakSeconds() });
  },
  soakSeconds() * 1000 + GRACE_MS,
);

async function soak(random: Random, until: number): Promise<string[]> {
  const acts: string[] = [];
  const run = await newRun(slot, ROWS);
  await startRun(slot.services, run, RATE);
  const state = { over: false };
  const ended = finishRun(slot.services, run).finally(() => (state.over = true));
  ended.catch(() => undefined); // looked at below
  while (!state.over && Date.now() < until) {
    await sleep(random.between(200, 4_000));
    const done = await random.pick(ACTS)(random);
    acts.push(done);
    process.stderr.write(`     ${new Date().toISOString().slice(11, 19)} ${done}\n`);
  }
  await within(END_SECONDS, 'the end of the run', Promise.race([ended, slot.died()]));
  await expectExactlyOnce(slot.services, run.pipeline);
  await expectNoStrays(slot, run);
  return acts;
}
