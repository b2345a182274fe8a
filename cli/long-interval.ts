/**
 * Says, before a schedule's next interval runs, that it is long: it goes on from the end of the last one begun, or from --since,
 * in one piece, so that no hole is left (decision 0013). In steps, `backfill` brings it.
 */
import { numberText } from '../contracts/count-words.ts';
import { type IntervalInput, intervalEnd } from '../contracts/intervals.ts';
import type { Settings } from '../contracts/settings.ts';

/** One or two more than usual are what a pause leaves. */
const LONG_STEPS = 4;
const DAY_MS = 86_400_000;

/**
 * @param backfill the command for the pipeline's file, where that is known
 * @returns null where it is not long, or the control database does not tell
 */
export async function longIntervalText(
  settings: Settings,
  { spec, stepMs, since }: IntervalInput,
  backfill = `headrace backfill with the file of pipeline ${spec.name}:`,
): Promise<string | null> {
  const { withIntervals } = await import('../workers/intervals.ts');
  const to = new Date(intervalEnd(Date.now(), stepMs)).toISOString();
  const last = await withIntervals(settings, (store) => store.lastEnd(spec.name, to)).catch(() => null);
  const from = last ?? since;
  if (from === undefined) return null;
  const steps = (Date.parse(to) - Date.parse(from)) / stepMs;
  if (steps < LONG_STEPS) return null;
  const told = `The next interval is ${numberText(steps)} steps long, ${short(from)} to ${short(to)}: one run reads all of it`;
  if (last !== null) return `${told}, as it goes on where the last one begun ended.`;
  const window = `--from ${short(from)} --to ${short(to)} --step ${stepText(stepMs)}`;
  return `${told}. To bring it a step at a time instead, delete the schedule, make it without --since, and run ${backfill} ${window}`;
}

const UNITS = [
  ['d', DAY_MS],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;

/** In the largest unit that it is whole in. */
function stepText(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms % each === 0) ?? ['s', 1_000];
  return `${ms / size}${unit}`;
}

const short = (iso: string): string => iso.replace('.000', '');
