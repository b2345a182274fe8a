/** What a machine lacks is told at once and as a whole, before anything is started. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { stackFolders, wantedMode } from '../../stack/environment.ts';
import { requirePrograms } from '../../stack/prerequisites.ts';
import { kafka } from '../../stack/services/kafka.ts';
import { minio } from '../../stack/services/minio.ts';
import { temporal } from '../../stack/services/temporal.ts';

afterEach(() => vi.unstubAllEnvs());

test('every missing program is named with what it is for and how to get it', () => {
  const empty = mkdtempSync(join(tmpdir(), 'headrace-empty-'));
  vi.stubEnv('PATH', empty);
  const attempt = (): void => requirePrograms([minio, kafka, temporal], empty);
  for (const [program, remedy] of [
    ['go', 'https://go.dev/dl'],
    ['java', 'openjdk-17-jre-headless'],
    ['mvn', 'apt-get install maven'],
    ['python3', 'python3-pip'],
  ] as const) {
    expect(attempt).toThrow(new RegExp(`^  ${program}: .*${remedy.replaceAll('.', '\\.')}`, 'm'));
  }
});

test('folders come from HEADRACE_HOME and HEADRACE_CACHE, else from the checkout and the user’s cache', () => {
  expect(stackFolders({ HEADRACE_HOME: '/a', HEADRACE_CACHE: '/b' })).toEqual({ home: '/a', cache: '/b' });
  expect(stackFolders({ XDG_CACHE_HOME: '/c' }).cache).toBe('/c/headrace');
  expect(stackFolders({ HEADRACE_HOME: '' }).home).toBe(join(import.meta.dirname, '../../.headrace'));
});

test('a wrong HEADRACE_STACK is refused with what it can be', () => {
  expect(wantedMode({ HEADRACE_STACK: 'compose' })).toBe('compose');
  expect(() => wantedMode({ HEADRACE_STACK: 'podman' })).toThrow(/'podman'; it can be native or compose/);
});
