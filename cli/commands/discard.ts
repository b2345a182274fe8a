/** `headrace discard FILE --reason …`: dead letters that are not to arrive; verify shows them, with the reason. */
import { countText, numberText } from '../../contracts/count-words.ts';
import { fault } from '../../contracts/errors.ts';
import type { LetterPlace } from '../../contracts/letters.ts';
import { datasetOf } from '../../contracts/pipeline.ts';
import type { CommonOptions } from '../common-options.ts';
import { configurationFor } from '../environment.ts';
import { placeText } from '../letter-options.ts';
import { createOutput } from '../output.ts';
import { controlAddress, requireReachable } from '../../workers/reachable.ts';

export interface DiscardOptions extends CommonOptions {
  reason: string;
  letter?: LetterPlace[];
  all?: boolean;
}

export async function runDiscard(file: string, options: DiscardOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { settings, spec } = configurationFor(file, options);
  const reason = options.reason.trim();
  if (reason === '') throw fault('ConfigInvalid', '--reason is empty; say why these records are not to arrive');
  if (options.letter === undefined && options.all !== true) {
    throw fault(
      'ConfigInvalid',
      'which dead letters? Name them with --letter PARTITION/OFFSET, or say --all for all that are open',
    );
  }
  await requireReachable([controlAddress(settings)]);
  const { withLetters } = await import('../../workers/letters.ts');
  const dataset = datasetOf(spec.lake);
  const places = options.letter ?? null;
  const { discarded, counts } = await withLetters(settings, async (store) => ({
    discarded: await store.discard(dataset, places, reason),
    counts: await store.counts(dataset),
  }));
  const done = new Set(discarded.map(placeText));
  const not = (places ?? []).map(placeText).filter((place) => !done.has(place));
  if (not.length > 0 && discarded.length === 0) {
    throw fault(
      'ConfigInvalid',
      `no open dead letter at ${not.join(', ')}; headrace dead-letters lists those that are`,
    );
  }
  if (not.length > 0) output.note(`not open, or being re-driven: ${not.join(', ')}`);
  output.result(
    { pipeline: spec.name, discarded, reason, counts },
    () => `discarded ${countText(discarded.length, 'dead letter')}; ${numberText(counts.open)} are open`,
  );
}
