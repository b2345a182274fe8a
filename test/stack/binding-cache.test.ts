/** A built native part of the Kafka client that was kept loads again from where it is restored to. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { keepInCache, restoreFromCache } from '../../stack/binding-cache.ts';
import { ensureKafkaBinding } from '../../stack/setup.ts';

const installed = dirname(createRequire(import.meta.url).resolve('@confluentinc/kafka-javascript/package.json'));
const MODULE = join('build', 'Release', 'confluent-kafka-javascript.node');

const loads = (folder: string): boolean =>
  spawnSync(process.execPath, ['-e', `require(${JSON.stringify(join(folder, MODULE))})`]).status === 0;

beforeAll(async () => {
  await ensureKafkaBinding(() => undefined);
}, 600_000);

test('set-up has nothing to say about a client that loads', async () => {
  const lines: string[] = [];
  await ensureKafkaBinding((line) => lines.push(line));
  expect(lines).toEqual([]);
});

test('kept, removed and restored, it loads; restoring over a loaded one does no harm', () => {
  const cache = mkdtempSync(join(tmpdir(), 'headrace-cache-'));
  const folder = mkdtempSync(join(tmpdir(), 'headrace-package-'));
  for (const part of ['package.json', 'build']) cpSync(join(installed, part), join(folder, part), { recursive: true });
  expect(() => restoreFromCache(folder, cache)).toThrow(/none in .* for this version and Node/);
  keepInCache(folder, cache);
  keepInCache(folder, cache);
  expect(readdirSync(cache)).toHaveLength(1);
  rmSync(join(folder, 'build'), { recursive: true });
  expect(loads(folder)).toBe(false);
  restoreFromCache(folder, cache);
  restoreFromCache(folder, cache);
  expect(loads(folder)).toBe(true);
  expect(readdirSync(dirname(join(folder, MODULE)))).toEqual(['confluent-kafka-javascript.node']);
});
