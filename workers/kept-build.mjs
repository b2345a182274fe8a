/**
 * What is built from this checkout's own sources is kept in node_modules/.cache until a source changes; measured in decision
 * 0025. A build is a folder that appears whole or not at all, whoever else builds the same at once, and is named by the content
 * of all that it was made from: one that exists is right, and a process never finds its own changed under it.
 *
 * Plain JavaScript: the `headrace` command needs it before it can load TypeScript.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** In each build: what it holds. */
const SIZE = 'size';
const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Where Node's tools keep such things; beside the packages, so that a build finds them by their names. */
const CACHE = join(ROOT, 'node_modules/.cache/headrace');
/** What npm has installed, to the last package; absent where somebody else did, or further up. */
const INSTALLED = join(ROOT, 'node_modules/.package-lock.json');
/** Since its last use; those that still run from one that is removed have long read what they need of it. */
const UNUSED_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * @param {string} name of what is built
 * @param {readonly string[]} folders whose TypeScript it is built from
 * @param {(folder: string) => Promise<unknown>} build writes into an empty folder
 * @returns {Promise<string>} the folder with what was built
 * @throws {Error} what `build` throws, or that the cache cannot be written
 */
export async function keptBuild(name, folders, build) {
  const key = keyOf(folders);
  const folder = placeOf(`${name}-${key}`);
  if (isWhole(folder)) {
    touch(folder);
    return folder;
  }
  // Never the first to make it: where packages are not installed, the command says so.
  if (!existsSync(join(ROOT, 'node_modules')) && !ROOT.includes(`${sep}node_modules${sep}`))
    throw new Error('no packages');
  const unfinished = join(CACHE, `unfinished-${randomUUID()}`);
  mkdirSync(unfinished, { recursive: true });
  try {
    await build(unfinished);
    if (keyOf(folders) !== key) throw new Error('a source was changed while it was built'); // by a pull, or a branch
    writeFileSync(join(unfinished, SIZE), sizeOf(unfinished));
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!isWhole(folder)) throw error; // else somebody else built the same meanwhile
  }
  removeUnused();
  return folder;
}

/**
 * A build that is broken stays where it is, and another is made beside it: whoever takes it away may meet what another start has
 * put there since, and runs from. It goes with those that nobody uses.
 * @param {string} name
 * @returns {string} of the whole build, or where none is yet
 */
function placeOf(name) {
  for (let place = 1; ; place++) {
    const folder = join(CACHE, place === 1 ? name : `${name}-${place}`);
    if (isWhole(folder) || !existsSync(folder)) return folder;
  }
}

/**
 * A machine that lost its power may have kept names without content; to write all of a build through would take longer than
 * building it.
 * @param {string} folder
 */
function isWhole(folder) {
  const told = join(folder, SIZE);
  return existsSync(told) && readFileSync(told, 'utf8') === sizeOf(folder);
}

/**
 * Files and their bytes.
 * @param {string} folder
 */
function sizeOf(folder) {
  const sizes = readdirSync(folder)
    .filter((name) => name !== SIZE)
    .map((name) => statSync(join(folder, name)).size);
  return `${sizes.length} files, ${sizes.reduce((sum, size) => sum + size, 0)} bytes`;
}

/** Whether a change of the packages makes a new build, so that it may hold them. */
export function knowsPackages() {
  return existsSync(INSTALLED);
}

/**
 * The content counts, not its time: a checkout that changes branches has new times and the same files. 20 ms for 480 files.
 * Paths count, since a build names files of its checkout; package.json and npm's list name the packages that it was built with.
 * @param {readonly string[]} folders
 */
function keyOf(folders) {
  const hash = createHash('sha256');
  /** @param {string} file */
  const add = (file) => {
    const content = readFileSync(file);
    hash.update(`${file}\0${content.length}\0`).update(content);
  };
  add(join(ROOT, 'package.json'));
  if (knowsPackages()) add(INSTALLED);
  add(fileURLToPath(import.meta.url));
  for (const folder of folders) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true }).map(String).sort()) {
      if (/\.[cm]?[jt]s$/.test(name)) add(join(ROOT, folder, name));
    }
  }
  return hash.digest('hex').slice(0, 20);
}

/** @param {string} folder */
function touch(folder) {
  const now = new Date();
  try {
    utimesSync(folder, now, now);
  } catch {
    // Not ours to write, e.g. in an image: then nobody removes it either.
  }
}

function removeUnused() {
  for (const name of readdirSync(CACHE)) {
    const folder = join(CACHE, name);
    const used = statSync(folder, { throwIfNoEntry: false })?.mtimeMs;
    if (used !== undefined && Date.now() - used > UNUSED_MS) rmSync(folder, { recursive: true, force: true });
  }
}
