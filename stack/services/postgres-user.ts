/**
 * Under whom the database servers run: they refuse to run as root, so there they get a system user of their own. That user must be
 * able to reach the programs and the data, which it cannot in a checkout under /root or a `mktemp -d`; then both live
 * under /var/lib/headrace instead. (Rejected: opening the ways to the user's folders, or handing the server root's
 * power to pass through them.)
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { StackError } from '../stack-error.ts';

const USER = 'headrace';
const SYSTEM_FOLDER = '/var/lib/headrace';

export interface SystemUser {
  uid: number;
  gid: number;
}

/**
 * @returns undefined where this process is not root and can run the server itself
 * @throws StackError if the user is not there and cannot be made
 */
export function serverUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const found = lookUp();
  if (found !== undefined) return found;
  const made = spawnSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', USER], {
    encoding: 'utf8',
  });
  // Another `up` may have made it a moment ago, so what counts is that it is there.
  const user = lookUp();
  if (user !== undefined) return user;
  throw new StackError(
    `database servers cannot run as root, and a system user for them cannot be made ` +
      `(useradd ${USER}: ${made.error?.message ?? made.stderr.trim()}); make the user ${USER}, or run as another user`,
  );
}

function lookUp(): SystemUser | undefined {
  const id = (flag: string): number => Number.parseInt(spawnSync('id', [flag, USER], { encoding: 'utf8' }).stdout, 10);
  const [uid, gid] = [id('-u'), id('-g')];
  return Number.isNaN(uid) || Number.isNaN(gid) ? undefined : { uid, gid };
}

/** Whether the user can enter the folder, asked of the kernel: mode bits alone do not tell (ACLs, mounts). */
export function canReach(user: SystemUser | undefined, folder: string): boolean {
  if (user === undefined) return true;
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...user, cwd: '/' }).status === 0;
}

/** A folder under /var/lib/headrace that the system user can reach. */
export function systemFolder(...parts: string[]): string {
  const folder = join(SYSTEM_FOLDER, ...parts);
  mkdirSync(folder, { recursive: true });
  chmodSync(SYSTEM_FOLDER, 0o755);
  return folder;
}

/**
 * Where a server's data goes: `<home>/<server>`, or a folder of the home's own under /var/lib/headrace.
 * The folder is made, and belongs to the user.
 */
export function serverDataFolder(user: SystemUser | undefined, home: string, server: 'postgres' | 'mariadb'): string {
  const inside = join(home, server);
  mkdirSync(inside, { recursive: true });
  const name = createHash('sha256').update(home).digest('hex').slice(0, 12);
  const folder = canReach(user, inside)
    ? inside
    : systemFolder('data', server === 'postgres' ? name : `${name}-${server}`);
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  chmodSync(folder, 0o700);
  return folder;
}
