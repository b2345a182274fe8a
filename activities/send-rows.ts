/**
 * Moves one transaction's rows from COPY into the lane's writer: bounded by rows, bytes and 2 seconds, because an open
 * transaction holds back every reader of the topic. Back-pressure goes all the way: a full queue stops the parsing, which
 * stops the reading, which stops the server.
 */
import type { Key } from '../contracts/columns.ts';
import type { Chunk, LaneProgress } from '../contracts/replay.ts';
import { createCopyRows } from '../formats/copy-rows.ts';
import { sourceTable } from './source-table.ts';
import type { PlannedReplay, ReplayPace } from './ports/replays.ts';
import type { Source } from './ports/source.ts';
import type { LaneWriter } from './ports/topic.ts';
import type { Pulse } from './pulse.ts';

const MOST_SECONDS = 2;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Sends rows after `from` up to the chunk's end, or fewer when a bound is met.
 * @param pace a second's worth is the most that is sent
 * @returns what the transaction's progress has to say, and the bytes of its values
 */
export async function sendRows(
  source: Source,
  replay: PlannedReplay,
  chunk: Chunk,
  from: Key | null,
  writer: LaneWriter,
  { rowsPerSecond, bytesPerSecond }: Pick<ReplayPace, 'rowsPerSecond' | 'bytesPerSecond'>,
  pulse: Pulse,
): Promise<{ progress: LaneProgress; bytes: number }> {
  const deadline = performance.now() + MOST_SECONDS * 1000;
  const limit = rowsPerSecond === null ? undefined : Math.max(1, Math.floor(rowsPerSecond));
  const mostBytes = Math.min(MOST_BYTES, bytesPerSecond ?? MOST_BYTES);
  const stream = await source.copy(sourceTable(replay, replay.shape), {
    after: from,
    upTo: chunk.upTo,
    scope: replay.scope,
    ...(limit === undefined ? {} : { limit }),
  });
  const rows = createCopyRows(replay.shape, {
    partitions: replay.partitions,
    ...(replay.order === null ? {} : { order: replay.order }),
  });
  const held = { bytes: 0, full: false };
  const onRow = (key: Buffer, value: Buffer, partition: number): boolean => {
    // Once a bound is met no further row is taken: the last one taken is where the next transaction goes on.
    if (held.bytes >= mostBytes) return false;
    if (!writer.send(partition, key, value, chunk.chunk)) {
      held.full = true;
      return false;
    }
    held.bytes += value.length;
    return true;
  };

  let cutShort = false;
  try {
    for await (const buffer of stream) {
      let taken = rows.push(buffer, onRow);
      while (!taken && held.full) {
        held.full = false;
        await writer.drain();
        pulse.throwIfCancelled();
        taken = rows.resume(onRow);
      }
      pulse.throwIfCancelled();
      pulse.beat({ chunk: chunk.chunk, rows: rows.sums().rows });
      if (!taken || (performance.now() >= deadline && rows.sums().rows > 0)) {
        cutShort = true;
        break;
      }
    }
    if (!cutShort) rows.finish();
  } finally {
    await stream.cancel();
  }

  const { rows: count, checksum } = rows.sums();
  const whole = !cutShort && (limit === undefined || count < limit);
  const progress = {
    plan: replay.nonce,
    chunk: chunk.chunk,
    lastKey: whole ? chunk.upTo : (rows.lastKey() ?? from ?? chunk.upTo),
    rows: count,
    checksum: checksum.toString(),
  };
  return { progress, bytes: held.bytes };
}
