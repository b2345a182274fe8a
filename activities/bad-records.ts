/** What a pipeline says of bad records (`onBad`), asked before they become dead letters: up to there nothing has been changed. */
import { countWith } from '../contracts/count-words.ts';
import { fault } from '../contracts/errors.ts';
import type { OnBad } from '../contracts/pipeline.ts';
import type { Manifest } from './ports/manifest.ts';

export interface BadPlace {
  partition: number;
  offset: number;
  reason: string;
}

/**
 * @param bad records that are about to become dead letters
 * @throws Fault TooManyBad
 */
export async function requireFewBad(
  manifest: Pick<Manifest, 'openLetters'>,
  { dataset, topic, onBad }: { dataset: string; topic: string; onBad?: OnBad },
  bad: readonly BadPlace[],
): Promise<void> {
  const [first] = bad;
  if (first === undefined || onBad === undefined) return;
  const where = `partition ${first.partition}, offset ${first.offset} of topic ${topic}: ${first.reason}`;
  if (onBad.mode === 'fail') {
    throw fault(
      'TooManyBad',
      `a bad record in ${where}; the pipeline says onBad: fail. Mend what makes it bad, or say onBad: deadLetter`,
    );
  }
  if (onBad.most === undefined) return;
  const open = await manifest.openLetters(dataset);
  if (open + bad.length <= onBad.most) return;
  throw fault(
    'TooManyBad',
    `${countWith(open, 'dead letter', 'is', 'are')} open and ${bad.length} more were met (the first in ${where}); the pipeline allows ${onBad.most} ` +
      '(onBad.most). Re-drive or discard what is open (headrace dead-letters), or raise the limit',
  );
}
