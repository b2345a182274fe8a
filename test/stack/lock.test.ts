/** The lock that keeps two commands from working on one home or one artifact at once, across processes. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { withLock } from '../../stack/lock.ts';
import { requireOwnHome } from '../../stack/own-home.ts';

const newLock = (): string => join(mkdtempSync(join(tmpdir(), 'headrace-lock-')), 'lock');

/** Adds one to a number in a file, under the lock, slowly enough that two at once would lose one. */
const INCREMENT = `
  import { readFileSync, writeFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { withLock } from ${JSON.stringify(join(import.meta.dirname, '../../stack/lock.ts'))};
  const [lock, counter] = process.argv.slice(1);
  for (let round = 0; round < 5; round++) {
    await withLock(lock, { timeoutMs: 60_000 }, async () => {
      const value = Number(readFileSync(counter, 'utf8'));
      await sleep(5);
      writeFileSync(counter, String(value + 1));
    });
  }
`;

async function runIncrements(lock: string, counter: string): Promise<number | null> {
  const args = ['--import', 'tsx', '--input-type=module', '-e', INCREMENT, lock, counter];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  return await new Promise((resolve) => child.once('close', resolve));
}

test('four processes that find a dead holder’s lock take it over one at a time', async () => {
  const lock = newLock();
  const counter = `${lock}.counter`;
  writeFileSync(counter, '0');
  symlinkSync('1 of another boot', lock);
  const codes = await Promise.all([1, 2, 3, 4].map(() => runIncrements(lock, counter)));
  expect(codes).toEqual([0, 0, 0, 0]);
  expect(readFileSync(counter, 'utf8')).toBe('20');
  expect(existsSync(lock)).toBe(false);
}, 60_000);

test('a living holder is named, waited for, and told when it keeps the lock too long', async () => {
  const lock = newLock();
  const waits: number[] = [];
  await withLock(lock, { timeoutMs: 1_000 }, async () => {
    const second = withLock(lock, { timeoutMs: 200, onWait: (pid) => waits.push(pid) }, () => Promise.resolve());
    await expect(second).rejects.toThrow(`is held by process ${process.pid} for more than 0.2 s`);
  });
  expect(waits).toEqual([process.pid]);
  await expect(withLock(lock, { timeoutMs: 200 }, () => Promise.resolve('free again'))).resolves.toBe('free again');
});

test('a holder that fails gives the lock back, and one that waits can be interrupted', async () => {
  const lock = newLock();
  await expect(withLock(lock, { timeoutMs: 200 }, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(existsSync(lock)).toBe(false);
  await withLock(lock, { timeoutMs: 1_000 }, async () => {
    const signal = AbortSignal.timeout(100);
    const begun = performance.now();
    await expect(withLock(lock, { timeoutMs: 30_000, signal }, () => Promise.resolve())).rejects.toThrow();
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});

test('a dead holder’s lock of an older version, a file, is taken over', async () => {
  const lock = newLock();
  writeFileSync(lock, JSON.stringify({ pid: 1, identity: 'of another boot' }));
  await expect(withLock(lock, { timeoutMs: 1_000 }, () => Promise.resolve('taken over'))).resolves.toBe('taken over');
  writeFileSync(lock, ''); // it crashed while it wrote
  await expect(withLock(lock, { timeoutMs: 1_000 }, () => Promise.resolve('again'))).resolves.toBe('again');
});

test('one that waits gets the lock although its holder removes the folder, as down --purge does', async () => {
  const lock = newLock();
  const first = withLock(lock, { timeoutMs: 1_000 }, () => sleep(200)).then(() => rmdirSync(dirname(lock)));
  const second = withLock(lock, { timeoutMs: 5_000 }, () => Promise.resolve('got it'));
  await first;
  await expect(second).resolves.toBe('got it');
});

test('one that waits for the taking over of a dead holder’s lock can be interrupted', async () => {
  const lock = newLock();
  symlinkSync('1 of another boot', lock);
  symlinkSync('1 of another boot', `${lock}.takeover`);
  const signal = AbortSignal.timeout(100);
  await expect(withLock(lock, { timeoutMs: 30_000, signal }, () => Promise.resolve())).rejects.toThrow();
  rmSync(lock, { force: true });
});

test('a home that is a file is told as that', () => {
  const file = newLock();
  writeFileSync(file, '');
  expect(() => requireOwnHome(file)).toThrow(/is no folder; set HEADRACE_HOME/);
});
