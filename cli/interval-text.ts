/** Intervals for people. */
import { numberText } from '../contracts/count-words.ts';
import type { IntervalLook } from '../contracts/intervals.ts';
import { tableText } from './output.ts';

export interface IntervalCounts {
  done: number;
  running: number;
  failed: number;
  /** Not begun yet. */
  toCome: number;
}

export function countsOf(rows: readonly IntervalLook[], count: number): IntervalCounts {
  const of = (state: IntervalLook['state']): number => rows.filter((row) => row.state === state).length;
  return { done: of('done'), running: of('running'), failed: of('failed'), toCome: Math.max(0, count - rows.length) };
}

export function countsText({ done, running, failed, toCome }: IntervalCounts): string {
  const counts = { done, running, failed, 'to come': toCome };
  return Object.entries(counts)
    .map(([name, count]) => `${numberText(count)} ${name}`)
    .join(', ');
}

export function intervalsText(rows: readonly IntervalLook[]): string {
  return tableText(
    ['from', 'to', 'state', 'rows', 'attempts', 'replay', ''],
    rows.map((row) => [
      short(row.from),
      short(row.to),
      row.state,
      row.rows === null ? '' : numberText(row.rows),
      numberText(row.attempts),
      row.replayId,
      row.error?.split('\n')[0] ?? '',
    ]),
    ['left', 'left', 'left', 'right', 'right', 'left', 'left'],
  );
}

const short = (iso: string): string => iso.replace(/:00\.000Z$/, 'Z');
