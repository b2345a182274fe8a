/**
 * The command's own TypeScript as JavaScript that Node loads at once, kept until a source changes (decision 0025). A start
 * through tsx's loader costs 0.4 s more, each time; to build all of it anew takes 0.3 s. Packages stay what and where they are.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { keptBuild } from '../workers/kept-build.mjs';

const ROOT = join(import.meta.dirname, '..');
/** Whose content names a build. `bench` for the demo's table, which is the bench's. */
const FOLDERS = 'activities bench cli connectors contracts formats generators stack workers workflows'.split(' ');

/**
 * @returns {Promise<string>} URL of the module that exports `main`
 * @throws {Error} nothing can be written beside the packages, or a source does not compile
 */
export async function builtProgram() {
  const folder = await keptBuild('program', FOLDERS, build);
  return pathToFileURL(join(folder, 'main.js')).href;
}

/** @param {string} outdir */
async function build(outdir) {
  const { build: bundle } = await import('esbuild');
  const { metafile } = await bundle({
    absWorkingDir: ROOT,
    metafile: true,
    entryPoints: [join(import.meta.dirname, 'main.ts')],
    outdir,
    bundle: true,
    splitting: true, // what is imported late stays so
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'linked', // errors name the sources' lines
    logLevel: 'silent',
    plugins: [{ name: 'files of the checkout', setup: ({ onLoad }) => onLoad({ filter: /\.(ts|mjs)$/ }, ownPlace) }],
  });
  const unnamed = Object.keys(metafile.inputs).filter(
    (file) => !FOLDERS.some((folder) => file.startsWith(`${folder}/`)),
  );
  if (unnamed.length > 0) throw new Error(`a change of ${unnamed.join(', ')} would not be noticed`);
}

/**
 * What a source reads from beside itself, it goes on reading from there.
 * @param {import('esbuild').OnLoadArgs} source
 * @returns {Promise<import('esbuild').OnLoadResult | undefined>}
 */
async function ownPlace({ path }) {
  const text = await readFile(path, 'utf8');
  if (!text.includes('import.meta.')) return undefined;
  const contents = text
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
    .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)));
  return { contents, loader: path.endsWith('.ts') ? 'ts' : 'js' };
}
