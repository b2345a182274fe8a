/** Where a replay stands, as one row of the control database; read by people only, never what a decision rests on. */
import { type TimeLeft, timeLeft } from '../../contracts/time-left.ts';
import type { Key } from '../../contracts/columns.ts';
import type { HopCounts } from '../../contracts/inspect.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import type { ReplayScope } from '../../contracts/replay.ts';
import { utcMs } from '../../contracts/scope-words.ts';
import { eventTimeMs } from '../../formats/event-time.ts';
import { ARRIVED_SQL } from './arrived-sql.ts';
import { CLOCK_MS } from './replay-pace.ts';

export interface StandingRow {
  replay_id: string;
  state: string;
  planned_at: Date;
  published_at: Date | null;
  started_at: Date | null;
  spec: PipelineSpec;
  scope: ReplayScope;
  estimated: string;
  replayed: string;
  landed: string;
  loaded: string;
  found: number;
  complete: boolean;
  skipped: number;
  over: number;
  reached: number;
  reached_before: number;
  lately: string;
  lately_seconds: number;
  paused: boolean;
  upper_key: Key | null;
  speed: number | null;
  clock_ms: number | null;
}

/** The rate is that of so long: shorter jumps with every transaction, longer hides a changed pace. */
const LATELY = `interval '60 seconds'`;

// A lane's chunks come one after the other: all before its last one are over, those without a row among them.
const OVER_SQL = `
    (SELECT coalesce(sum(l.last / r.lane_modulus + (l.last IS NOT DISTINCT FROM l.done)::int), 0)::int FROM (
       SELECT max(chunk) AS last, max(chunk) FILTER (WHERE chunk_done) AS done FROM headrace.lane_transaction
       WHERE replay_id = r.replay_id AND state = 'done' GROUP BY lane) l)`;

// `lately` begins with the first transaction that ended in it, so that a pause before that is no part of the rate.
export const STANDING_SQL = `
  SELECT r.replay_id, r.state, r.planned_at, r.published_at, r.spec, r.scope, r.topic_id, r.pipeline, r.upper_key,
    r.estimated_rows AS estimated, t.replayed, t.started_at, t.lately, t.lately_seconds, t.reached, t.reached_before, c.found, c.skipped,
    ${OVER_SQL} AS over,
    coalesce((SELECT up_to_key = r.upper_key FROM headrace.chunk l WHERE l.replay_id = r.replay_id ORDER BY chunk DESC LIMIT 1),
             r.upper_key IS NULL) AS complete,
    coalesce(p.paused, false) AS paused, p.speed,
    ${CLOCK_MS} AS clock_ms,
    arrived.landed, arrived.loaded
  FROM headrace.replay r
  LEFT JOIN headrace.pace p USING (replay_id)
  CROSS JOIN LATERAL (
    SELECT count(*)::int AS found, (count(*) FILTER (WHERE skipped_at IS NOT NULL))::int AS skipped
    FROM headrace.chunk c WHERE c.replay_id = r.replay_id) c
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(rows), 0) AS replayed, min(begun_at) AS started_at, coalesce(max(chunk) + 1, 0) AS reached,
      coalesce(max(chunk) FILTER (WHERE done_at <= now() - ${LATELY}) + 1, 0) AS reached_before,
      coalesce(sum(rows) FILTER (WHERE done_at > now() - ${LATELY}), 0) AS lately,
      coalesce(extract(epoch FROM now() - greatest(now() - ${LATELY},
        min(begun_at) FILTER (WHERE done_at > now() - ${LATELY}))), 0)::float8 AS lately_seconds
    FROM headrace.lane_transaction t WHERE t.replay_id = r.replay_id AND t.state = 'done') t
  ${ARRIVED_SQL}`;

/** Rows in all, where somebody can know: nobody counts a window or a filter before it is read. */
function expectedRows({ scope, estimated, published_at, replayed }: StandingRow): number | null {
  if (published_at !== null) return Number(replayed);
  const { from, to, where, keys, limit } = scope;
  const rows = Number(estimated);
  if (keys !== undefined || (limit !== undefined && rows === limit)) return rows;
  if (from !== undefined || to !== undefined || where !== undefined || rows === 0) return null;
  return Math.max(rows, Number(replayed));
}

export function toCounts(row: StandingRow): HopCounts {
  const { found, skipped, reached } = row;
  const done = row.published_at === null ? Math.min(row.over, found) : found;
  const estimated = Number(row.estimated);
  const seconds = row.lately_seconds;
  const perSecond = (count: number): number => (seconds > 0 ? count / seconds : 0);
  const standing = {
    expected: expectedRows(row),
    replayed: Number(row.replayed),
    chunks: { found, all: row.complete, done, reached, skipped },
    paused: row.paused,
    state: row.state,
    rowsPerSecond: perSecond(Number(row.lately)),
  };
  const clock = clockOf(row);
  const left = timeLeft({
    ...standing,
    chunksPerSecond: perSecond(reached - row.reached_before),
    chunksExpected: estimated === 0 ? null : Math.ceil(estimated / row.spec.source.chunkRows),
    clock,
  });
  return {
    ...{ replayId: row.replay_id, plannedAt: row.planned_at.toISOString() },
    startedAt: row.started_at?.toISOString() ?? null,
    publishedAt: row.published_at?.toISOString() ?? null,
    ...standing,
    ...{ landed: Number(row.landed), loaded: Number(row.loaded) },
    ...{ paced: clock !== null },
    ...left,
  };
}

/** Paced by event time, the last row's own event time says when it is due: the upper bound's, and none at a window's end. */
function clockOf({ speed, clock_ms, upper_key, scope, estimated }: StandingRow): TimeLeft | null {
  const last = upper_key?.[0];
  if (speed === null || last === undefined) return null;
  const unknown = (leftUnknown: string): TimeLeft => ({ secondsLeft: null, leftUnknown });
  if (clock_ms === null) return unknown('the clock of its event time has not begun');
  const isReached = scope.limit !== undefined && Number(estimated) === scope.limit;
  if (scope.where !== undefined && !isReached)
    return unknown('nobody knows the time of the last row that its filter takes');
  const lastMs = eventTimeMs(last);
  if (lastMs === null) return unknown(`${last} has no place on a clock`);
  const untilMs = scope.to === undefined ? lastMs : Math.min(lastMs, utcMs(scope.to));
  return { secondsLeft: (untilMs - clock_ms) / 1000 / speed, leftUnknown: '' };
}
