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
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { startVitest } from 'vitest/node';
import { CHECKOUT } from '../../stack/environment.ts';
import { cellName, CELLS } from './cells.ts';
import { ODD_CELLS } from './odd-cells.ts';
import { matrixPage } from './page.ts';
import { VARIABLES } from './plan.ts';
import { readResults } from './results.ts';

const CI_SOAK_SECONDS = 45;
const PAGE = join(CHECKOUT, 'docs/fault-matrix.md');
const RESULTS = join(CHECKOUT, '.headrace/fault-matrix.json');

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

function notYetWell(): string[] {
  const well = new Set(readResults(RESULTS).flatMap(({ name, ok }) => (ok ? [name] : [])));
  return names.filter((name) => !well.has(name));
}

/** @returns a regular expression: a name's `:` and `-` mean nothing in one */
const exactly = (wanted: readonly string[]): string => `^(${wanted.join('|')})$`;

const seed = values.seed === undefined ? Date.now() % 1_000_000 : wholeNumber('seed', values.seed);
const soak = values.soak === undefined ? (values.ci ? CI_SOAK_SECONDS : 0) : wholeNumber('soak', values.soak);
const cells = values.soak === undefined || values.ci;
process.stderr.write(`fault matrix: seed ${seed} (--seed ${seed} does the same again)\n`);

mkdirSync(join(CHECKOUT, '.headrace'), { recursive: true });
const whole = cells && !values.ci;
const only = values.rest ? exactly(notYetWell()) : values.only;
if (whole && only === undefined && existsSync(RESULTS)) rmSync(RESULTS);
Object.assign(process.env, {
  [VARIABLES.form]: values.ci ? 'ci' : 'all',
  [VARIABLES.seed]: String(seed),
  [VARIABLES.soakSeconds]: String(soak),
  [VARIABLES.sideBySide]: String(wholeNumber('side-by-side', values['side-by-side'])),
  ...(only === undefined ? {} : { [VARIABLES.only]: only }),
  ...(whole ? { [VARIABLES.results]: RESULTS } : {}),
});
const files = [
  ...(cells ? ['matrix.cells.ts'] : []),
  ...(whole ? ['odd.cells.ts'] : []),
  ...(soak > 0 ? ['soak.cells.ts'] : []),
];
const vitest = await startVitest('test', files, {
  config: join(import.meta.dirname, 'vitest.config.ts'),
  run: true,
  watch: false,
});
await vitest.close();
if (whole) {
  const page = await format(matrixPage(readResults(RESULTS)), { ...(await resolveConfig(PAGE)), filepath: PAGE });
  writeFileSync(PAGE, page);
  process.stderr.write('written: docs/fault-matrix.md\n');
}
process.stderr.write(`fault matrix: seed ${seed}, ${process.exitCode === 1 ? 'something failed' : 'all well'}\n`);
