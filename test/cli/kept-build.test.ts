/** The command is built when a source has changed and not otherwise, and runs where no build can be kept, too. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Linter } from 'eslint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHECKOUT } from './run-cli.ts';

/** What packages ask for to find out where they run. */
const ELSEWHERE =
  'window document navigator self module exports define XMLHttpRequest WScript Deno Bun EdgeRuntime'.split(' ');
const FOLDERS = 'activities bench cli connectors contracts formats generators stack workers workflows'.split(' ');
const checkout = mkdtempSync(join(tmpdir(), 'headrace-built-'));
const cache = join(checkout, 'node_modules/.cache/headrace');
const builds = (): string[] => readdirSync(cache).filter((name) => name.startsWith('program-'));
const unfinished = (): string[] => readdirSync(cache).filter((name) => !name.startsWith('program-'));

async function start(args = ['--version'], env = {}): Promise<{ stdout: string; stderr: string }> {
  const options = { cwd: checkout, env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } };
  return promisify(execFile)(process.execPath, [join(checkout, 'cli/headrace.mjs'), ...args], options);
}

/** Makes the command say so at its start. */
function change(saying: string): void {
  const file = join(checkout, 'cli/main.ts');
  const source = readFileSync(join(CHECKOUT, 'cli/main.ts'), 'utf8');
  const changed = source.replace('  try {\n', `  process.stderr.write('${saying}');\n  try {\n`);
  expect(changed).not.toBe(source);
  writeFileSync(file, changed);
}

beforeAll(() => {
  for (const name of [...FOLDERS, 'package.json'])
    cpSync(join(CHECKOUT, name), join(checkout, name), { recursive: true });
  // Packages by links, so that what is kept beside them is this test's own.
  mkdirSync(join(checkout, 'node_modules'));
  for (const name of readdirSync(join(CHECKOUT, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(CHECKOUT, 'node_modules', name), join(checkout, 'node_modules', name));
  }
});
afterAll(() => rmSync(checkout, { recursive: true }));

test('two that start at once leave one build, and no half of another', async () => {
  const ran = await Promise.all([start(), start()]);
  for (const { stdout, stderr } of ran) expect({ stdout: stdout.trim(), stderr }).toMatchObject({ stderr: '' });
  expect(builds()).toHaveLength(1);
  expect(unfinished()).toEqual([]);
});

test('a changed source is built anew, one changed back is not', async () => {
  const [first] = builds();
  change('changed');
  expect((await start()).stderr).toBe('changed');
  expect(builds()).toHaveLength(2);
  cpSync(join(CHECKOUT, 'cli/main.ts'), join(checkout, 'cli/main.ts'));
  expect((await start()).stderr).toBe('');
  expect(builds()).toHaveLength(2);
  expect(builds()).toContain(first);
});

test('the build is what runs: tsx is not there at all', async () => {
  rmSync(join(checkout, 'node_modules/tsx'));
  try {
    expect((await start()).stdout).toMatch(/^\d+\.\d+\.\d+/);
  } finally {
    symlinkSync(join(CHECKOUT, 'node_modules/tsx'), join(checkout, 'node_modules/tsx'));
  }
});

test('a build that lost files, or what is in them, is made anew', async () => {
  const mains = (): string[] => builds().map((name) => join(cache, name, 'main.js'));
  for (const harm of [(file: string) => rmSync(file, { force: true }), (file: string) => writeFileSync(file, '')]) {
    mains().forEach(harm);
    expect((await start()).stdout).toMatch(/^\d+\.\d+\.\d+/);
    expect(mains().filter((file) => existsSync(file) && statSync(file).size > 0)).toHaveLength(1);
  }
  expect(unfinished()).toEqual([]);
});

test('a broken build is left where it is: what a start runs from is taken away by no other', async () => {
  const before = builds();
  before.forEach((name) => writeFileSync(join(cache, name, 'main.js'), ''));
  const ran = await Promise.all([start(), start(), start(), start()]);
  for (const { stdout } of ran) expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
  expect(before.map((name) => statSync(join(cache, name, 'main.js')).size)).toEqual(before.map(() => 0));
  expect(builds()).toHaveLength(before.length + 1);
  expect(unfinished()).toEqual([]);
});

test('it holds the packages where npm tells which there are, and is made anew when they change', async () => {
  const list = join(checkout, 'node_modules/.package-lock.json');
  const apart = /from ?["'](zod|pg|yaml|@aws-sdk[^"']*)["']/;
  const texts = (): string[] =>
    builds().map((name) => {
      const files = readdirSync(join(cache, name)).filter((file) => file.endsWith('.js'));
      return files.map((file) => readFileSync(join(cache, name, file), 'utf8')).join('');
    });
  expect(texts().every((text) => apart.test(text))).toBe(true);
  for (const [changes, content] of ['{"packages":1}', '{"packages":2}'].entries()) {
    const before = builds().length;
    writeFileSync(list, content);
    expect((await start()).stdout).toMatch(/^\d+\.\d+\.\d+/);
    expect(builds()).toHaveLength(before + 1);
    expect(texts().filter((text) => !apart.test(text))).toHaveLength(changes + 1);
  }
});

test('no package in it sets a variable that it does not declare: in modules, unlike in older forms, that throws', async () => {
  const { builtProgram } = await import('../../cli/built-program.mjs');
  const folder = fileURLToPath(new URL('.', await builtProgram()));
  const known = [...Object.getOwnPropertyNames(globalThis), 'require', ...ELSEWHERE];
  const globals = Object.fromEntries(known.map((name) => [name, 'readonly' as const]));
  const linter = new Linter();
  const undeclared = readdirSync(folder)
    .filter((name) => name.endsWith('.js'))
    .flatMap((name) =>
      linter.verify(readFileSync(join(folder, name), 'utf8'), [
        { languageOptions: { globals }, rules: { 'no-undef': 'error' }, linterOptions: { noInlineConfig: true } },
      ]),
    )
    .filter(({ ruleId }) => ruleId === 'no-undef');
  expect(undeclared.map(({ message }) => message)).toEqual([]);
});

test('a stack trace names lines of the sources', async () => {
  const failed = await start(['plan', 'no-such-file.yaml'], { DEBUG: '1' }).catch((error: unknown) => error);
  const { stderr } = failed as { stderr: string };
  const places = [...stderr.matchAll(/at (\w+) \(file:\/\/([^)]+\.ts):(\d+):\d+\)/g)];
  expect(places.length).toBeGreaterThan(2);
  const [first, second] = places.map(([, name = '', file = '', line = '']) => ({
    name,
    text: readFileSync(file, 'utf8').split('\n')[Number(line) - 1],
  }));
  expect(first?.text).toContain('new Fault');
  expect(second?.text).toContain(`${first?.name ?? ''}(`);
  expect(stderr).not.toContain('program-');
});

test('where no build can be kept, it runs all the same', async () => {
  rmSync(cache, { recursive: true });
  writeFileSync(cache, 'not a folder');
  change('from its sources');
  expect((await start()).stderr).toBe('from its sources');
});

test('a source that does not compile is named', async () => {
  rmSync(cache);
  writeFileSync(join(checkout, 'cli/main.ts'), 'export const = 1;\n');
  await expect(start()).rejects.toThrow(/cli\/main\.ts:1:\d+: /);
  await expect(start()).rejects.not.toThrow(/^\s+at /m);
  expect(unfinished()).toEqual([]);
});
