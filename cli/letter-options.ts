/** Which dead letters a command means. */
import { InvalidArgumentError } from 'commander';
import type { LetterPlace } from '../contracts/letters.ts';

/** `--letter PARTITION/OFFSET`, as often as wanted. @throws InvalidArgumentError */
export function letterPlace(text: string, before: LetterPlace[] = []): LetterPlace[] {
  const parts = /^(\d{1,9})\/(\d{1,15})$/.exec(text);
  if (!parts) {
    throw new InvalidArgumentError('Allowed: PARTITION/OFFSET as headrace dead-letters shows it, such as 3/1207.');
  }
  return [...before, { partition: Number(parts[1]), offset: Number(parts[2]) }];
}

export const placeText = ({ partition, offset }: LetterPlace): string => `${partition}/${offset}`;
