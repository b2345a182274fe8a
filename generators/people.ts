/** Names, companies and streets by faker, on a seeded stream of ours, so that profiles do not share faker's global state. */
import { base, en, Faker } from '@faker-js/faker';
import type { Random } from './random.ts';

/** Dates of faker's default reference would be the clock's; nothing here asks for one. */
export function openPeople(random: Random): Faker {
  return new Faker({ locale: [en, base], randomizer: { next: random.unit, seed: () => undefined } });
}

const POOL_SIZE = 3_000;

/**
 * Words made beforehand, of which one is drawn each time: faker takes 3 to 12 us for a company or a street, a draw 20 ns. Combine
 * several pools where few should be alike.
 * @param make one word, by faker
 */
export function createPool<Word>(make: () => Word): (random: Random) => Word {
  const words = Array.from({ length: POOL_SIZE }, make);
  return (random) => words[random.whole(0, POOL_SIZE - 1)] as Word;
}

/** An e-mail address made of a name and a domain's words: lower-case letters, digits, dots and dashes only. */
export const emailOf = (name: string, company: string): string =>
  `${mailWords(name, '.')}@${mailWords(company, '-')}.example`;

/** A text's words as an e-mail address may hold them: lower-case letters and digits. */
export function mailWords(text: string, between: string): string {
  const found = text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[\u0300-\u036f'’]/g, '')
    .match(/[a-z0-9]+/g);
  return (found ?? ['someone']).join(between);
}
