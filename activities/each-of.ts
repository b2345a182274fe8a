/** Work on many things, a few at a time. Guarantees: nothing of it is under way any more when it returns or throws. */

/** @throws what failed first in the list of workers, once all have ended: whoever cleans up behind them must not meet them */
export async function eachOf<T>(all: Iterable<T>, atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const queue = [...all];
  const take = async (): Promise<void> => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one);
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(atOnce, queue.length) }, take));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}
