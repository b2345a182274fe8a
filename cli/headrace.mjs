#!/usr/bin/env -S UV_THREADPOOL_SIZE=16 node
// The `headrace` command. Plain JavaScript, so that it can say what is wrong where nothing is installed yet; all the rest
// is cli/main.ts, built when a source has changed.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 12)) {
  console.error(
    `headrace needs Node.js 20.12 or later; this is ${process.versions.node}. Install a newer one and try again.`,
  );
  process.exit(2);
}

// The AWS SDK says at every start that it will want Node 22 some day; nothing that a user of this command can act on.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

// The help, at once: the program alone takes 200 ms to load. `npm run help` writes the file, a test compares it.
const [, , first, ...more] = process.argv;
if (more.length === 0 && ['--help', '-h', 'help'].includes(first ?? '')) {
  process.stdout.on('error', () => process.exit(0)); // `headrace --help | head` is no error
  process.stdout.write(readFileSync(new URL('help.txt', import.meta.url), 'utf8'), () => process.exit(0));
} else {
  await runProgram();
}

async function runProgram() {
  const { main } = await import(await programUrl());
  await main(process.argv);
}

/** @returns {Promise<string>} built, where a build can be kept; else its sources, and TypeScript's loader installed */
async function programUrl() {
  try {
    const { builtProgram } = await import('./built-program.mjs');
    const url = await builtProgram();
    const { nameSourceLines } = await import('./stack-lines.mjs');
    nameSourceLines(new URL('.', url).href);
    return url;
  } catch (error) {
    endOnBrokenSource(error);
    await registerTypeScript();
    return new URL('main.ts', import.meta.url).href;
  }
}

/**
 * A source that somebody is editing: the loader would fail of it as well, with a stack trace of its own.
 * @param {unknown} error of the build
 */
function endOnBrokenSource(error) {
  const faults = error instanceof Error && 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  const lines = faults
    .filter(({ location }) => location)
    .map(({ location: { file, line, column }, text }) => {
      return `  ${file}:${line}:${column + 1}: ${text}`;
    });
  if (lines.length === 0) return;
  console.error(`headrace: its own source has an error (git diff shows what was changed):\n${lines.join('\n')}`);
  process.exit(1);
}

/** @returns {Promise<void>} once TypeScript can be imported */
async function registerTypeScript() {
  try {
    const { register } = await import('tsx/esm/api');
    register();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    const folder = fileURLToPath(new URL('..', import.meta.url));
    const installed = existsSync(new URL('../node_modules', import.meta.url));
    console.error(
      `headrace: its packages are ${installed ? 'incomplete' : 'not installed'}. Run this once, and try again:\n\n` +
        `  npm ci --prefix ${folder}\n`,
    );
    process.exit(2);
  }
}
