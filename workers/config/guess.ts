/** The word that was probably meant: near enough to be a typing error, or nothing. */

/**
 * Damerau-Levenshtein distance (optimal string alignment): a swap of neighbours is one error, as it is to the fingers.
 */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1] ? 0 : 1;
      let best = Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + same);
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        best = Math.min(best, at(beforeLast, column - 2) + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, to.length);
}

/** The nearest of `words` within a third of its length (at least one error is forgiven), case and `-`/`_` not counted. */
export function guess(found: string, words: readonly string[]): string | undefined {
  const plain = (word: string): string => word.toLowerCase().replaceAll(/[-_]/g, '');
  let best: { word: string; distance: number } | undefined;
  for (const word of words) {
    const distance = editDistance(plain(found), plain(word));
    if (distance > Math.max(1, Math.floor(word.length / 3))) continue;
    if (best === undefined || distance < best.distance) best = { word, distance };
  }
  return best?.word;
}

const at = (row: readonly number[], column: number): number => row[column] ?? Number.POSITIVE_INFINITY;
