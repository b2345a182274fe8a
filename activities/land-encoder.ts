/** How many cuts are encoded at a time: the encoder uses the machine's threads itself. */

const ENCODES_AT_ONCE = 2;

/** Runs work, a few at a time, in the order asked for. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

export function createTurns(atOnce = ENCODES_AT_ONCE): Turns {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
