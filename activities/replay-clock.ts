/**
 * A replay paced by event time: rows come in the order of event time, and none is in the topic before the replay's clock has
 * come to it. The clock is the control database's (ports/replays.ts): it begins with the first row's event time, runs `speed`
 * times as fast as time does, and stands while the replay is paused. What a worker was late with, it sends at once.
 *
 * Rows that are due by one moment go in one transaction, half a second apart at the least: a transaction a row would be a
 * statement a row in the control database.
 */
import type { Key } from '../contracts/columns.ts';
import type { Chunk } from '../contracts/replay.ts';
import { utcMs } from '../contracts/scope-words.ts';
import { eventTimeMs } from '../formats/event-time.ts';
import type { PlannedReplay, ReplayPace, Replays } from './ports/replays.ts';
import type { Source, SourceTable } from './ports/source.ts';
import type { Pulse } from './pulse.ts';
import { awaitTurn, LOOK_AGAIN_MS } from './replay-pace.ts';

const DAY_MS = 86_400_000;

/**
 * Waits until the chunk's next row is due.
 * @param from exclusive: where the chunk goes on
 * @returns what of the chunk is due, and the pace; 'paused'; null where the chunk has no row left
 */
export async function awaitDue(
  replays: Replays,
  source: Source,
  table: SourceTable,
  replay: PlannedReplay,
  chunk: Chunk,
  from: Key | null,
  pulse: Pulse,
): Promise<{ part: Chunk; pace: ReplayPace } | 'paused' | null> {
  const range = { after: from, upTo: chunk.upTo, scope: replay.scope };
  const first = await source.keyAt(table, range, 0);
  if (first === null) return null;
  // Infinity has no place on a clock; it is the last, or the first.
  const firstMs = eventTimeMs(first[0] ?? '');
  const notBefore = performance.now() + LOOK_AGAIN_MS;
  for (;;) {
    const pace = await awaitTurn(replays, replay.replayId, pulse);
    if (pace === null) return 'paused';
    const { speed = null, clockMs } = pace;
    if (speed === null || firstMs === null) return { part: chunk, pace };
    if (clockMs === null) await replays.startClock(replay.replayId, firstMs);
    else if (firstMs <= clockMs) {
      if (clockMs - firstMs < speed * LOOK_AGAIN_MS && performance.now() < notBefore) {
        await pause(notBefore - performance.now(), pulse);
        continue;
      }
      const due = afterMoment(table, clockMs);
      const { to } = replay.scope;
      const until = to === undefined || Date.parse(due) < utcMs(to) ? due : to;
      const last = await source.keyAt(table, { ...range, scope: { ...replay.scope, to: until } }, 0, 'last');
      return { part: { ...chunk, upTo: last ?? first }, pace };
    } else await pause(Math.min((firstMs - clockMs) / speed, LOOK_AGAIN_MS), pulse);
  }
}

/** The first moment behind, as the event time's type can hold it: a day is due at its beginning. */
function afterMoment({ shape, eventTime }: SourceTable, clockMs: number): string {
  const isDay = shape.columns.find(({ name }) => name === eventTime)?.type.kind === 'date';
  return isDay
    ? new Date((Math.floor(clockMs / DAY_MS) + 1) * DAY_MS).toISOString().slice(0, 10)
    : new Date(clockMs + 1).toISOString();
}

async function pause(ms: number, pulse: Pulse): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  pulse.throwIfCancelled();
  pulse.beat({ waits: 'for its event time' });
}
