/** Whose a home is, where this user may not use it. */
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { StackError, isCode } from './stack-error.ts';

/**
 * For whoever writes to the home.
 * @throws StackError if it is there, and this user may not, or it is no folder
 */
export function requireOwnHome(home: string): void {
  if (statSync(home, { throwIfNoEntry: false })?.isDirectory() === false)
    throw new StackError(
      `the local stack's folder ${home} is no folder; set HEADRACE_HOME to another one, or move it away`,
    );
  try {
    accessSync(home, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (isForbidden(error)) throw notOwnHome(home, error);
  }
}

export const isForbidden = (error: unknown): boolean => isCode(error, 'EACCES', 'EPERM');

/** @param error why it cannot be used */
export function notOwnHome(home: string, error: unknown): StackError {
  return new StackError(
    `the local stack's folder ${home} cannot be used by this user: ${whose(home)}. Run this as that user, or set ` +
      'HEADRACE_HOME to a folder of your own',
    { cause: error },
  );
}

/** Where a folder above cannot be looked into, it is that one that stands in the way. */
function whose(folder: string): string {
  try {
    return `${folder} belongs to ${userName(statSync(folder).uid)}`;
  } catch (error) {
    if (dirname(folder) === folder || !isForbidden(error)) return `${folder} is not readable`;
    return whose(dirname(folder));
  }
}

/** Node gives only its own user's name. */
function userName(uid: number): string {
  const number = `user ${uid}`;
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    return lines.map((line) => line.split(':')).find((fields) => fields[2] === String(uid))?.[0] ?? number;
  } catch {
    return number;
  }
}
