/** A worker's scratch folder: what killed workers left is removed, and what cannot be removed is no obstacle. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeScratch } from '../../workers/scratch.ts';

const parent = mkdtempSync(join(tmpdir(), 'headrace-scratch-'));
const leftover = (pid: number): string => {
  const path = join(parent, `headrace-${hostname()}-${pid}-abc`);
  mkdirSync(path);
  writeFileSync(join(path, 'part'), '');
  return path;
};
/** Linux has no process ids beyond 2^22. */
const [mine, theirs] = [leftover(2 ** 22 + 1), leftover(2 ** 22 + 2)];
const alive = leftover(process.pid);
const NOBODY = 65_534;

afterAll(() => {
  chmodSync(theirs, 0o700);
  rmSync(parent, { recursive: true });
});

test('leftovers of the dead go, those of the living stay', async () => {
  chmodSync(theirs, 0o500); // its owner may not remove what is in it; root may
  const made = await makeScratch(parent);
  expect([mine, alive, made].map((path) => existsSync(path))).toEqual([false, true, true]);
});

test('what may not be removed fails no start', async () => {
  if (!existsSync(theirs)) leftover(2 ** 22 + 2);
  chmodSync(theirs, 0o500);
  chmodSync(parent, 0o777);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    expect(existsSync(await makeScratch(parent))).toBe(true);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
  expect(existsSync(theirs)).toBe(true);
});
