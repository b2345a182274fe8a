/** A question before something that cannot be taken back. Without a terminal nobody can answer: the option must say it. */
import { createInterface } from 'node:readline/promises';
import { fault } from '../contracts/errors.ts';

/** @throws Fault ConfigInvalid where there is no terminal to ask at */
export function requireAnswerable(option: string): void {
  if (process.stdin.isTTY) return;
  throw fault('ConfigInvalid', `${option} asks before it deletes, and there is no terminal here: say --yes as well`);
}

/** @returns whether the answer was yes; anything else is no */
export async function confirm(question: string): Promise<boolean> {
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await asked.question(`${question} [y/N] `)).trim());
  } finally {
    asked.close();
  }
}
