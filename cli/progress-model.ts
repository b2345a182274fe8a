/** How fast each hop goes and how long it will take, from counts looked at now and then. Pure: time is given. */

export interface HopCount {
  /** What has happened to the rows: `replayed`, `landed`, `loaded`. */
  name: string;
  rows: number;
  /**
   * Where the rows do not tell it: nobody knows how many they are (a window, a filter), or event time paces them. Null: nothing
   * else tells it either. Absent: it follows from the rows.
   */
  secondsLeft?: number | null;
}

/** One look at a workflow. */
export interface Look {
  /** Rows in all; null where nobody knows yet. */
  expected: number | null;
  hops: readonly HopCount[];
  /** What goes on, in words; empty: nothing to add. */
  text: string;
}

export interface HopProgress extends Pick<HopCount, 'name' | 'rows'> {
  rowsPerSecond: number;
  /** null where it cannot be told. */
  secondsLeft: number | null;
}

export interface ProgressModel {
  /** @param atMs of a clock that never goes back */
  add(look: Look, atMs: number): HopProgress[];
}

/** Shorter and the rate jumps with every chunk; longer and it lags behind a changed rate. */
const WINDOW_MS = 5_000;

export function createProgressModel(): ProgressModel {
  const samples: { atMs: number; rows: ReadonlyMap<string, number> }[] = [];
  return {
    add(look, atMs) {
      samples.push({ atMs, rows: new Map(look.hops.map(({ name, rows }) => [name, rows])) });
      while (samples.length > 2 && (samples[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) samples.shift();
      const first = samples[0];
      return look.hops.map(({ name, rows, secondsLeft: told }) => {
        const seconds = (atMs - (first?.atMs ?? atMs)) / 1000;
        const rowsPerSecond = seconds > 0 ? Math.max(0, rows - (first?.rows.get(name) ?? 0)) / seconds : 0;
        const counted = look.expected === null ? null : secondsLeft(look.expected, rows, rowsPerSecond);
        const left = told === undefined ? counted : told;
        return { name, rows, rowsPerSecond, secondsLeft: left };
      });
    },
  };
}

function secondsLeft(expected: number, rows: number, rowsPerSecond: number): number | null {
  if (rows >= expected) return 0;
  return rowsPerSecond > 0 ? (expected - rows) / rowsPerSecond : null;
}
