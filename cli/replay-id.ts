/** Ids of replays and of single loads: readable, in order of time, unique without asking anybody. */
import { randomInt } from 'node:crypto';

const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'; // without those that are mistaken for each other

/** `20261121-091542-k3f9`: UTC to the second, and 20 random bits. */
export function newId(now: Date = new Date()): string {
  const digits = now.toISOString().replaceAll(/[-:]/g, '');
  const random = Array.from({ length: 4 }, () => LETTERS[randomInt(LETTERS.length)]).join('');
  return `${digits.slice(0, 8)}-${digits.slice(9, 15)}-${random}`;
}
