/** A test file that hangs is told, with where it stands, and run once more; one that hangs twice fails the run. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CHECKOUT } from './cli/run-cli.ts';

const LIMIT_MS = 3_000;
/** What no limit of a test ends: the event loop does not turn; the file is never loaded. */
const BUSY = 'function goesRound() { for (;;); }';
const NEVER = 'const ear = (await import("node:net")).createServer().listen(0); await new Promise(() => {});';
const FINE = 'test("fine", () => {});';

let folder: string;
beforeEach(() => {
  mkdirSync(join(CHECKOUT, '.headrace'), { recursive: true });
  folder = mkdtempSync(join(CHECKOUT, '.headrace/forks-')); // in the checkout: it imports vitest
  const config = `import { watchedForks } from ${JSON.stringify(join(CHECKOUT, 'test/watched-forks.ts'))};
    export default { root: ${JSON.stringify(folder)}, test: { pool: watchedForks(${LIMIT_MS}), maxWorkers: 2 } };`;
  writeFileSync(join(folder, 'vitest.config.mts'), config);
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(name: string, body: string): void {
  const head = `import { existsSync, writeFileSync } from 'node:fs';
    import { expect, test } from 'vitest';
    const isFirst = !existsSync('${join(folder, name)}.begun');
    writeFileSync('${join(folder, name)}.begun', '');\n`;
  writeFileSync(join(folder, `${name}.test.mjs`), head + body);
}

async function run(): Promise<{
  code: number;
  said: string;
  counts: { numPassedTests: number; numFailedTests: number };
}> {
  const args = [
    join(CHECKOUT, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=json',
    '--config',
    'vitest.config.mts',
  ];
  const env = { PATH: process.env.PATH, HOME: process.env.HOME };
  const ran = await promisify(execFile)(process.execPath, args, { cwd: folder, env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as { code: number; stdout: string; stderr: string },
  );
  return { code: ran.code, said: ran.stderr, counts: JSON.parse(ran.stdout) as never };
}

test('one that goes round is told and run again; the results of the second run count, once', async () => {
  file('other', FINE);
  const tests = 'test("goes", () => { if (isFirst) goesRound(); }); test("fails", () => expect(1).toBe(2));';
  file('round', `${BUSY}\n${FINE} ${tests}`);
  const { code, said, counts } = await run();
  expect(said).toMatch(/round\.test\.mjs is not over after 3 s, and is run once more[^]*\bR\S* +00:00/);
  expect(counts).toMatchObject({ numPassedTests: 3, numFailedTests: 1 });
  expect(code).toBe(1);
}, 60_000);

test('one that waits without end while it is loaded is told with what it holds', async () => {
  file('wait', `if (isFirst) { ${NEVER} }\n${FINE}`);
  const { code, said, counts } = await run();
  expect(said).toMatch(/wait\.test\.mjs is not over[^]*"type":"tcp"/);
  expect(counts).toMatchObject({ numPassedTests: 1, numFailedTests: 0 });
  expect(code).toBe(0);
}, 60_000);

test('one that hangs twice fails the run, and the others are run', async () => {
  file('other', FINE);
  file('round', `${BUSY}\ntest("round", () => goesRound());`);
  const { code, said, counts } = await run();
  expect(said).toMatch(/round\.test\.mjs is not over after 3 s, and is killed: the second time/);
  expect(counts).toMatchObject({ numPassedTests: 1 });
  expect(code).toBe(1);
}, 60_000);
