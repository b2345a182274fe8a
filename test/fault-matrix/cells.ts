/** The cells of the matrix: what is done to a run that is stopped before or after a step. */
import { type Hop, STEPS, type Step } from './steps.ts';
import type { Side } from './exchanges.ts';

export type FaultName =
  | 'worker killed'
  | 'two workers killed'
  | 'connection reset'
  | 'answer never comes'
  | 'link cut'
  | 'worker frozen'
  | 'request late'
  | 'service killed';

/** On which sides of a step, and what is done. */
export const FAULTS: Readonly<Record<FaultName, { sides: readonly Side[]; does: string }>> = {
  'worker killed': { sides: ['request', 'answer'], does: 'SIGKILL of the worker, and a new one' },
  'two workers killed': { sides: ['answer'], does: 'SIGKILL of both workers that run, and a new one' },
  'connection reset': {
    sides: ['request', 'answer'],
    does: 'the connection is reset: before, the request never arrives; after, the answer is lost',
  },
  'answer never comes': {
    sides: ['answer'],
    does: 'the connection stays, the answer is kept back until the run has ended',
  },
  'link cut': { sides: ['request'], does: 'all connections to the service are reset, none made for two seconds' },
  'worker frozen': {
    sides: ['request'],
    does: 'SIGSTOP of the worker; another takes over; then SIGCONT, and the frozen one goes on with its request',
  },
  'request late': {
    sides: ['request'],
    does: 'SIGKILL of the worker; another takes over; then the dead one’s request arrives at the service',
  },
  'service killed': { sides: ['answer'], does: 'SIGKILL of the service itself, back after 1.5 s' },
};

export interface Cell {
  step: Step;
  fault: FaultName;
  side: Side;
}

/** Services are shared by all cells: one that is killed is killed for all. */
export const isAlone = ({ fault }: Cell): boolean => fault === 'service killed';

export const cellName = ({ step, fault, side }: Cell): string =>
  `${step.hop}: ${fault} ${side === 'request' ? 'before' : 'after'} ${step.name}`;

export const CELLS: readonly Cell[] = STEPS.flatMap((step) =>
  (Object.keys(FAULTS) as FaultName[]).flatMap((fault) => FAULTS[fault].sides.map((side) => ({ step, fault, side }))),
);

/** For every change: what lost, doubled or wedged something before there was a rule against it. */
const TELLING: readonly [Hop, string, FaultName, Side][] = [
  ['plan', 'plan stored', 'worker killed', 'answer'],
  ['read', 'begun', 'worker killed', 'answer'],
  ['read', 'rows sent', 'connection reset', 'answer'],
  ['read', 'EndTxn', 'worker killed', 'request'],
  ['read', 'EndTxn', 'worker killed', 'answer'],
  ['read', 'EndTxn', 'connection reset', 'answer'],
  ['read', 'EndTxn', 'worker frozen', 'request'],
  ['read', 'rows sent', 'request late', 'request'],
  ['land', 'intent', 'worker killed', 'answer'],
  ['land', 'object put', 'connection reset', 'answer'],
  ['land', 'sealed', 'worker killed', 'request'],
  ['load', 'committed', 'connection reset', 'answer'],
  ['load', 'committed', 'request late', 'request'],
  ['orchestrate', 'chunk told done', 'worker killed', 'request'],
  ['orchestrate', 'continued as new', 'worker killed', 'answer'],
];

export const TELLING_CELLS: readonly Cell[] = CELLS.filter(({ step, fault, side }) =>
  TELLING.some(([hop, name, f, s]) => step.hop === hop && step.name === name && fault === f && side === s),
);
