/**
 * Which chunk comes next. A lane's chunks go in order: one that runs, or is in trouble, holds up the later ones of its lane,
 * and no other lane. Pure.
 */
import { laneOf } from '../contracts/replay.ts';

export interface QueueState {
  /** Chunks below are done, running, in trouble, or among `behind`. */
  next: number;
  /** Chunks below `next` that are still to be published, in order. */
  behind: number[];
  /** Chunks that failed for good, with the cause: they wait for a person. */
  troubled: { chunk: number; cause: string }[];
  /** Chunks that are not to be published. */
  skipped: number[];
}

export interface ChunkQueue {
  /** The first chunk whose lane is free; undefined where there is none just now. */
  take(running: ReadonlySet<number>, known: number): number | undefined;
  /** Puts a chunk back among those to come. */
  putBack(chunk: number): void;
  /** Takes a chunk out, wherever it stands. */
  remove(chunk: number): void;
  /** It was published, or skipped. */
  isOver(chunk: number, running: ReadonlySet<number>): boolean;
}

export function createChunkQueue(state: QueueState, modulus: number): ChunkQueue {
  const lane = (chunk: number): number => laneOf(chunk, modulus);
  const without = (chunks: readonly number[], chunk: number): number[] => chunks.filter((each) => each !== chunk);
  const self: ChunkQueue = {
    take(running, known) {
      const held = new Set([...running, ...state.troubled.map(({ chunk }) => chunk)].map(lane));
      const late = state.behind.findIndex((chunk, place) => {
        return !held.has(lane(chunk)) && !state.behind.slice(0, place).some((other) => lane(other) === lane(chunk));
      });
      if (late >= 0) return state.behind.splice(late, 1)[0];
      while (state.next < known) {
        const chunk = state.next++;
        if (state.skipped.includes(chunk)) continue;
        if (!held.has(lane(chunk)) && !state.behind.some((other) => lane(other) === lane(chunk))) return chunk;
        state.behind.push(chunk);
      }
      return undefined;
    },
    putBack(chunk) {
      self.remove(chunk);
      state.behind = [...state.behind, chunk].sort((a, b) => a - b);
    },
    remove(chunk) {
      state.behind = without(state.behind, chunk);
      state.troubled = state.troubled.filter((each) => each.chunk !== chunk);
    },
    isOver: (chunk, running) =>
      state.skipped.includes(chunk) ||
      (chunk < state.next &&
        !running.has(chunk) &&
        !state.behind.includes(chunk) &&
        !state.troubled.some((each) => each.chunk === chunk)),
  };
  return self;
}
