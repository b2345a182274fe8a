/** What a partition's manifest will be, from its objects, its ledger and the bounds of its log. Pure. */
import type { TableShape } from '../contracts/columns.ts';
import { gapsOf, type Range } from '../formats/object-chain.ts';
import type { FoundObject, GapPlan, PartitionPlan, RecoverRequest } from './recover-ports.ts';

/** The source's columns now; a fault's words where it does not tell. */
export interface PresentShape {
  version: string;
  shape: TableShape | null;
  trouble: string;
}

/** The version of objects that do not say theirs; '' where nobody vouches for it. */
export function assumed({ assumePresentSchema }: RecoverRequest, present: Pick<PresentShape, 'version'>): string {
  return assumePresentSchema ? present.version : '';
}

/** @param expires objects of offsets below the ledger may have been given up (lake.afterLoad) */
export function planPartition(
  at: Pick<PartitionPlan, 'topicId' | 'partition'>,
  chain: readonly FoundObject[],
  ledger: number | null,
  log: Range | null,
  expires = false,
): PartitionPlan {
  const [first] = chain;
  const logStart = lowestOf(first, ledger, log);
  const gaps = gapsOf(chain, logStart).flatMap((gap): GapPlan[] => {
    const is = { records: 0, proven: gap.proven, deadLetters: gap.deadLetters };
    const readable = log === null ? gap.end : Math.min(gap.end, Math.max(gap.start, log.start));
    if (gap.proven) return [{ ...gap, ...is, is: gap.deadLetters > 0 && readable === gap.start ? 'read' : 'empty' }];
    const parts: GapPlan[] = [
      { start: gap.start, end: readable, ...is, is: expires && readable <= (ledger ?? 0) ? 'expired' : 'lost' },
      { start: readable, end: gap.end, ...is, is: 'read' },
    ];
    return parts.filter(({ start, end }) => start < end);
  });
  return { ...at, logStart, next: chain.at(-1)?.end ?? logStart, ledger, chain, gaps, log };
}

/**
 * Where the manifest of a partition begins. With objects: where the first one says, but not above the ledger's place, or
 * loading would stand before a hole that nobody knows of; where it does not say, with the topic. Without objects: with the
 * topic, but not above the ledger: what it says is behind has been sealed, what is not has not been landed.
 */
function lowestOf(first: FoundObject | undefined, ledger: number | null, log: Range | null): number {
  if (!first) return Math.min(ledger ?? Infinity, log?.start ?? ledger ?? 0);
  const said = first.logStart ?? Math.min(first.start, log?.start ?? first.start);
  return Math.min(said, ledger ?? said);
}

/** Objects beside whose rows the topic still has dead letters. */
export function withLetters({ chain, log }: PartitionPlan): FoundObject[] {
  return chain.filter(({ start, deadLetters = 0 }) => deadLetters > 0 && log !== null && log.start <= start);
}
