/** Draws a sample and compares realised with set shares: what `--check` prints and the statistical tests assert. */
import jstat from 'jstat';
import type { Values, Group } from './kinds.ts';
import type { Run, Share } from './model.ts';
import type { AnyProfile } from './profiles.ts';
import { DAY, HOUR } from './times.ts';

export interface RealisedShare {
  name: string;
  shape: boolean;
  rows: number;
  categories: { name: string; set: number; realised: number }[];
  /**
   * The chance of a difference at least so large if the set shares hold (Pearson's chi-square test). Null for shapes, which a
   * trend, a calendar and whole weeks or not bend as well, and where nothing can differ.
   */
  p: number | null;
}

export interface Sample {
  main: number;
  shares: RealisedShare[];
  /** Main events an hour of the first week, from the sample's first hour on. */
  week: number[];
}

/** @param events main events to draw */
export function drawSample(profile: AnyProfile, settings: Values<Group>, run: Run, events: number): Sample {
  const shares = profile.shares(settings, run.form);
  const counts = shares.map(() => new Map<string, number>());
  const week = Array.from({ length: 7 * 24 }, () => 0);
  const from = Math.floor(run.start / DAY) * DAY;
  let main = 0;
  for (const { output, at, row } of profile.emit(settings, run)) {
    const hour = Math.floor((at - from) / HOUR);
    // A week at least, so that its picture is whole.
    if (main >= events && hour >= week.length) break;
    for (const [index, share] of shares.entries()) {
      if (share.output !== output.name && !(share.output === '*' && output.main === true)) continue;
      const category = share.categoryOf(row);
      const counted = counts[index];
      if (category !== undefined && counted) counted.set(category, (counted.get(category) ?? 0) + 1);
    }
    if (output.main !== true) continue;
    main += 1;
    const before = week[hour];
    if (before !== undefined) week[hour] = before + 1;
  }
  return { main, week, shares: shares.map((share, index) => realised(share, counts[index] ?? new Map())) };
}

function realised(share: Share, counts: ReadonlyMap<string, number>): RealisedShare {
  const rows = [...counts.values()].reduce((sum, each) => sum + each, 0);
  const names = [...new Set([...Object.keys(share.set), ...counts.keys()])];
  const categories = names.map((name) => ({
    name,
    set: share.set[name] ?? 0,
    realised: rows === 0 ? 0 : (counts.get(name) ?? 0) / rows,
  }));
  const p = share.shape === true || rows === 0 ? null : chanceOf(categories, rows);
  return { name: share.name, shape: share.shape === true, rows, categories, p };
}

function chanceOf(categories: readonly { set: number; realised: number }[], rows: number): number | null {
  // What may not be at all and is there is no matter of chance.
  if (categories.some(({ set, realised: found }) => set === 0 && found > 0)) return 0;
  const possible = categories.filter(({ set }) => set > 0);
  if (possible.length < 2) return null;
  const statistic = possible.reduce((sum, { set, realised: found }) => sum + (rows * (found - set) ** 2) / set, 0);
  return 1 - jstat.jStat.chisquare.cdf(statistic, possible.length - 1);
}
