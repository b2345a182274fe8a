/**
 * How long a replay still takes, from what it did over the last minute; or why nobody can tell. Pure.
 *
 * Where the rows are known (the whole table, or a limit that was reached) they are counted. Of a window or a filter they are
 * not: there the place among the chunks is, which is wrong by as much as the rows in scope are unevenly spread over the key.
 * Paced by event time, the clock alone tells, never the rows: they come when they happened.
 */

export interface Standing {
  state: string;
  paused: boolean;
  /** Null: nobody knows. */
  expected: number | null;
  replayed: number;
  rowsPerSecond: number;
  chunks: { found: number; all: boolean; reached: number };
  /** Chunks that it went on by, a second. */
  chunksPerSecond: number;
  /** In all, about; null: nobody knows. */
  chunksExpected: number | null;
  /** Where event time paces it: what its own clock says, or why that says nothing; null where nothing but its work paces it. */
  clock: TimeLeft | null;
}

export interface TimeLeft {
  secondsLeft: number | null;
  leftUnknown: string;
}

export function timeLeft(standing: Standing): TimeLeft {
  const { state, paused, expected, replayed, rowsPerSecond, chunks, chunksPerSecond, clock } = standing;
  const unknown = (leftUnknown: string): TimeLeft => ({ secondsLeft: null, leftUnknown });
  const known = (seconds: number): TimeLeft => ({ secondsLeft: Math.max(0, seconds), leftUnknown: '' });
  if (state === 'published') return known(0);
  if (state === 'abandoned') return unknown('another took its place');
  if (paused) return unknown('paused');
  if (state === 'planned') return unknown('waits for its turn');
  if (clock !== null) return clock.secondsLeft === null ? clock : known(clock.secondsLeft);
  if (rowsPerSecond <= 0) return unknown('published nothing in the last minute');
  if (expected !== null && replayed < expected) return known((expected - replayed) / rowsPerSecond);
  const total = chunks.all ? chunks.found : standing.chunksExpected;
  if (total === null || (!chunks.all && total < chunks.reached))
    return unknown('the table has no statistics (ANALYZE it)');
  if (total <= chunks.reached) return unknown('its last chunks are under way, of a size that nobody knows');
  if (chunksPerSecond <= 0) return unknown('no chunk was finished in the last minute');
  return known((total - chunks.reached) / chunksPerSecond);
}
