/** What is to be run, as main.ts says through variables: vitest runs tests in a process of its own. */
import { type Cell, cellName, CELLS, TELLING_CELLS } from './cells.ts';

export const VARIABLES = {
  /** `ci` or `all`. */
  form: 'HEADRACE_FAULTS_FORM',
  /** A regular expression over cells' names. */
  only: 'HEADRACE_FAULTS_ONLY',
  seed: 'HEADRACE_FAULTS_SEED',
  soakSeconds: 'HEADRACE_FAULTS_SOAK',
  /** Cells at a time. */
  sideBySide: 'HEADRACE_FAULTS_SIDE_BY_SIDE',
  /** Where results go, as JSON. */
  results: 'HEADRACE_FAULTS_RESULTS',
  /** Tells the processes of this run. */
  mark: 'HEADRACE_FAULTS_MARK',
} as const;

/** The soak as a whole, among the names of cells. */
export const SOAK = 'soak';

export const seed = (): number => Number(process.env[VARIABLES.seed] ?? 1);
export const soakSeconds = (): number => Number(process.env[VARIABLES.soakSeconds] ?? 0);
export const sideBySide = (): number => Number(process.env[VARIABLES.sideBySide] ?? 4);
export const isWhole = (): boolean => process.env[VARIABLES.form] !== 'ci';

/** Whether this is among what was asked for. */
export function isPlanned(name: string): boolean {
  const only = process.env[VARIABLES.only];
  return only === undefined || new RegExp(only).test(name);
}

export function plannedCells(): readonly Cell[] {
  return (isWhole() ? CELLS : TELLING_CELLS).filter((cell) => isPlanned(cellName(cell)));
}
