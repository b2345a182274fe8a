/**
 * Says, before a schedule's next interval runs, that it is long: it goes on from the end of the last one begun, or from --since,
 * in one piece, so that no hole is left (decision 0013). In steps, `backfill` brings it.
 */
import { numberText } from '../contracts/count-words.ts';
import { type IntervalInput, intervalEnd } from '../contracts/intervals.ts';
import type { Settings } from '../contracts/settings.ts';
import { fittingStepMs, stepText } from './interval-options.ts';

/** One or two more than usual are what a pause leaves. */
const LONG_STEPS = 4;

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
  const command = backfillText(backfill, from, to, stepMs);
  return `${told}. To bring it a step at a time instead, delete the schedule, make it without --since, and run ${command}`;
}

/**
 * What brings the window: with a longer step where the schedule's own makes more intervals than a backfill takes, and then the rest,
 * which is shorter than one of those, with its own.
 */
function backfillText(backfill: string, from: string, to: string, stepMs: number): string {
  const command = (begin: number, end: number, step: number): string => {
    const [first, last] = [begin, end].map((ms) => short(new Date(ms).toISOString()));
    return `${backfill} --from ${first} --to ${last} --step ${stepText(step)}`;
  };
  const [begin, end] = [Date.parse(from), Date.parse(to)];
  const step = fittingStepMs(end - begin, stepMs);
  if (step === stepMs) return command(begin, end, step);
  // A little more than was asked for is read, rather than less: a backfill's window is a whole number of steps.
  const [first, last] = [intervalEnd(begin, step), intervalEnd(end, step)];
  const rest = last === end ? '' : ` and then ${command(last, end, stepMs)}`;
  return `${command(first, last, step)}${rest} (in steps of ${stepText(stepMs)} they would be too many)`;
}

const short = (iso: string): string => iso.replace('.000', '');
