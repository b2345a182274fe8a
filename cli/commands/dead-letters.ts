/** `headrace dead-letters FILE`: the records that could not be processed: where they are, why, and how they begin. */
import { numberText } from '../../contracts/count-words.ts';
import type { LetterLook, LetterState } from '../../contracts/letters.ts';
import { datasetOf } from '../../contracts/pipeline.ts';
import type { CommonOptions } from '../common-options.ts';
import { configurationFor } from '../environment.ts';
import { placeText } from '../letter-options.ts';
import { createOutput, tableText } from '../output.ts';
import { controlAddress, requireReachable } from '../../workers/reachable.ts';
import { shellWord } from '../scope-options.ts';

export interface DeadLettersOptions extends CommonOptions {
  state: LetterState | 'all';
  limit: number;
}

const SHOWN_CHARACTERS = 60;

export async function runDeadLetters(file: string, options: DeadLettersOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { settings, spec } = configurationFor(file, options);
  await requireReachable([controlAddress(settings)]);
  const { withLetters } = await import('../../workers/letters.ts');
  const dataset = datasetOf(spec.lake);
  const state = options.state === 'all' ? undefined : options.state;
  const { letters, counts } = await withLetters(settings, async (store) => ({
    letters: await store.list(dataset, state, options.limit),
    counts: await store.counts(dataset),
  }));
  output.result({ pipeline: spec.name, counts, letters }, () => {
    const { open, redriven, discarded } = counts;
    const total = `${numberText(open)} open, ${numberText(redriven)} re-driven, ${numberText(discarded)} discarded`;
    const remedy =
      open === 0
        ? []
        : [
            `Once the cause is mended: headrace redrive ${shellWord(file)}`,
            `What is not to arrive:    headrace discard ${shellWord(file)} --letter PARTITION/OFFSET --reason …`,
          ];
    const shown = letters.length === 0 ? [] : [lettersText(letters), ''];
    return [...shown, `dead letters of ${spec.name}: ${total}`, ...remedy].join('\n');
  });
}

function lettersText(letters: readonly LetterLook[]): string {
  const rows = letters.map((letter) => [
    letter.topic,
    placeText(letter),
    letter.state,
    letter.hop,
    oneLine(letter.why === null ? letter.reason : `${letter.reason} (discarded: ${letter.why})`, 2 * SHOWN_CHARACTERS),
    `${numberText(letter.bytes)} bytes`,
    oneLine([letter.key, letter.preview].filter((part) => part !== null).join(' ')),
  ]);
  return tableText(['topic', 'letter', 'state', 'refused by', 'reason', 'size', 'begins with'], rows);
}

/** Control characters of a hostile record are not the terminal's business. */
function oneLine(text: string, most = SHOWN_CHARACTERS): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '·');
  return plain.length > most ? `${plain.slice(0, most)}…` : plain;
}
