/**
 * The fault matrix, from the command line:
 *
 *   npm run test:faults                              every cell, then docs/fault-matrix.md is written
 *   npm run test:faults -- --only 'EndTxn'           the cells whose names match, again; the page keeps the others
 *   npm run test:faults -- --rest                    the cells that no earlier run found well, e.g. after Ctrl-C
 *   npm run test:faults -- --ci                      the most telling cells and a short soak
 *   npm run test:faults -- --soak 3600 --seed 7      kills at random for an hour, nothing else
 *   npm run test:faults -- --list                    names of all cells
 *
 * The seed is printed: it decides which of many effects a cell stops at, and all that a soak does.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { startVitest } from 'vitest/node';
import { CHECKOUT } from '../../stack/environment.ts';
import { cellName, CELLS, TELLING_CELLS } from './cells.ts';
import { ODD_CELLS } from './odd-cells.ts';
import { endMarked, markProcesses } from './leftovers.ts';
import { matrixPage } from './page.ts';
import { SOAK, VARIABLES } from './plan.ts';
import { readResults, type Result } from './results.ts';

const CI_SOAK_SECONDS = 300;
const PAGE = join(CHECKOUT, 'docs/fault-matrix.md');
const KEPT = join(CHECKOUT, '.headrace');
/**
 * Where the process that runs the cells dies, those that it had not come to are run by another: Node 20's own HTTP/2, which the proxy
 * before Temporal is made of, was seen to corrupt its memory (temporal-link.ts says how, and keeps clear of it).
 */
const PROCESSES_MOST = 5;

const { values } = parseArgs({
  options: {
    ci: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    only: { type: 'string' },
    rest: { type: 'boolean', default: false },
    seed: { type: 'string' },
    soak: { type: 'string' },
    'side-by-side': { type: 'string', default: '4' },
  },
});

const names = [...CELLS.map(cellName), ...ODD_CELLS.map(({ name }) => name)];
if (values.list) {
  for (const name of names) process.stdout.write(`${name}\n`);
  process.exit();
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  process.stderr.write(`--${name} is '${text}'; it must be a whole number\n`);
  process.exit(2);
}

function notYetWell(results: string): string[] {
  const well = new Set(readResults(results).flatMap(({ name, ok }) => (ok ? [name] : [])));
  return names.filter((name) => !well.has(name));
}

/** @returns a regular expression: a name's `:` and `-` mean nothing in one */
const exactly = (wanted: readonly string[]): string => `^(${wanted.join('|')})$`;

const seed = values.seed === undefined ? Date.now() % 1_000_000 : wholeNumber('seed', values.seed);
const soak = values.soak === undefined ? (values.ci ? CI_SOAK_SECONDS : 0) : wholeNumber('soak', values.soak);
const cells = values.soak === undefined || values.ci;
process.stderr.write(`fault matrix: seed ${seed} (--seed ${seed} does the same again)\n`);

mkdirSync(KEPT, { recursive: true });
const whole = cells && !values.ci;
const results = join(KEPT, whole ? 'fault-matrix.json' : 'fault-matrix-part.json');
const only = values.rest ? exactly(notYetWell(results)) : values.only;
const wanted = [
  ...(!cells ? [] : whole ? names : TELLING_CELLS.map(cellName)).filter((name) => new RegExp(only ?? '').test(name)),
  ...(soak > 0 ? [SOAK] : []),
];
// Of what is run now nothing is known yet; a page of the whole keeps the others.
const others = whole && only !== undefined ? readResults(results).filter(({ name }) => !wanted.includes(name)) : [];
writeFileSync(results, JSON.stringify(others));
Object.assign(process.env, {
  [VARIABLES.form]: values.ci ? 'ci' : 'all',
  [VARIABLES.seed]: String(seed),
  [VARIABLES.soakSeconds]: String(soak),
  [VARIABLES.sideBySide]: String(wholeNumber('side-by-side', values['side-by-side'])),
  [VARIABLES.results]: results,
});
markProcesses();
const noted = (): Result[] => readResults(results);
const notNoted = (): string[] => wanted.filter((name) => !noted().some((each) => each.name === name));

for (let processes = 1, left = wanted; left.length > 0 && processes <= PROCESSES_MOST; processes++) {
  if (processes > 1) {
    process.stderr.write(`the process that ran the cells died and left ${endMarked()} others, which are ended; `);
    process.stderr.write(`${left.length} cells left, by another\n`);
  }
  process.exitCode = 0;
  process.env[VARIABLES.only] = exactly(left);
  const files = [
    ...(left.some((name) => CELLS.map(cellName).includes(name)) ? ['matrix.cells.ts'] : []),
    ...(left.some((name) => ODD_CELLS.some((odd) => odd.name === name)) ? ['odd.cells.ts'] : []),
    ...(left.includes(SOAK) ? ['soak.cells.ts'] : []),
  ];
  const vitest = await startVitest('test', files, {
    config: join(import.meta.dirname, 'vitest.config.ts'),
    run: true,
    watch: false,
  });
  await vitest.close();
  left = notNoted();
}
if (notNoted().length > 0 || noted().some(({ name, ok }) => !ok && !others.some((each) => each.name === name)))
  process.exitCode = 1;
if (whole) {
  const page = await format(matrixPage(noted()), { ...(await resolveConfig(PAGE)), filepath: PAGE });
  writeFileSync(PAGE, page);
  process.stderr.write('written: docs/fault-matrix.md\n');
}
process.stderr.write(`fault matrix: seed ${seed}, ${process.exitCode === 1 ? 'something failed' : 'all well'}\n`);
