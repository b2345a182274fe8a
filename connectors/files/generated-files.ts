/**
 * Generated events as files, one a topic or table: JSONL or CSV. The note beside them (`.headrace-generate.json`) says how many
 * bytes of each are meant; what a crash left behind them is cut off before anything is added.
 */
import { mkdir, open, readFile, rename, stat, writeFile, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { fault, isFault, messageOf } from '../../contracts/errors.ts';
import { createLineBytes, type LineBytes } from '../../formats/line-bytes.ts';
import type { Emission, Output } from '../../generators/model.ts';
import type { Found, Identity, Sink } from '../../generators/ports.ts';

/** What is written in which way; made by formats and models, so that this folder knows neither. */
export interface LineFormat {
  /** File name's end. */
  ending: string;
  encoder: (output: Output) => (row: Emission['row']) => string;
  /** First line. */
  head: (output: Output) => string;
}

export interface FilesOptions {
  folder: string;
  format: LineFormat;
  /** Overwrite what another run left. */
  replace: boolean;
  /** Makes what is to be kept of the lines, e.g. Parquet; called at a complete or interrupted end. */
  convert?: (paths: ReadonlyMap<Output, string>) => Promise<void>;
}

interface Note extends Found {
  bytes: Record<string, number>;
}

const NOTE = '.headrace-generate.json';
const FULL_BYTES = 4 * 1024 * 1024;

interface Target {
  output: Output;
  path: string;
  file: FileHandle;
  encode: (row: Emission['row']) => string;
  bytes: number;
  lines: LineBytes;
  count: number;
}

export function openFilesSink({ folder, format, replace, convert }: FilesOptions): Sink {
  const notePath = join(folder, NOTE);
  const targets = new Map<Output, Target>();
  let identity: Identity | undefined;

  async function readNote(): Promise<Note | null> {
    const text = await readFile(notePath, 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw filesFault(`reading ${notePath}`, error);
    });
    if (text === null) return null;
    try {
      return JSON.parse(text) as Note;
    } catch (error) {
      throw fault('ConfigInvalid', `${notePath} is no note of headrace generate; remove it`, error);
    }
  }

  /** The note as of this moment, to be written once the lines are there. */
  function noteOf(at: number): () => Promise<void> {
    const each = [...targets.values()];
    const note = {
      ...{ identity, at },
      counts: Object.fromEntries(each.map(({ output, count }) => [output.name, count])),
      bytes: Object.fromEntries(each.map(({ output, bytes }) => [output.name, bytes])),
    };
    return async () => {
      await writeFile(`${notePath}.new`, `${JSON.stringify(note)}\n`);
      await rename(`${notePath}.new`, notePath);
    };
  }

  return {
    find: readNote,
    async begin(wanted, outputs, from) {
      identity = wanted;
      try {
        await mkdir(folder, { recursive: true });
        const note = from === null ? null : await readNote();
        const paths = outputs.map((output) => join(folder, `${output.name}${format.ending}`));
        if (note === null && !replace) await refuseExisting(paths);
        for (const [index, output] of outputs.entries()) {
          const path = paths[index] as string;
          const kept = note?.bytes[output.name] ?? 0;
          // Not cut to nothing at once: a run that goes on begins with what is there.
          const file = await open(path, kept > 0 ? 'r+' : 'w');
          await file.truncate(kept);
          const lines = createLineBytes();
          if (kept === 0) lines.add(format.head(output));
          const target = { output, path, file, encode: format.encoder(output), bytes: kept, lines };
          targets.set(output, { ...target, count: note?.counts[output.name] ?? 0 });
        }
        if (note === null) await noteOf(wanted.start)();
      } catch (error) {
        throw filesFault(`writing to ${folder}`, error);
      }
    },
    add({ output, row }) {
      const target = targets.get(output);
      if (!target) throw fault('Unexpected', `there is no file for ${output.name}`);
      target.lines.add(target.encode(row));
      target.count += 1;
    },
    full() {
      let waiting = 0;
      for (const { lines } of targets.values()) waiting += lines.size();
      return waiting >= FULL_BYTES;
    },
    async flush(at) {
      const parts = [...targets.values()].map((target) => ({ target, bytes: target.lines.take() }));
      for (const { target, bytes } of parts) target.bytes += bytes.length;
      // The counts of now: more may be added while the lines are written.
      const writeNote = noteOf(at);
      try {
        await Promise.all(
          parts.map(({ target: { file, bytes: end }, bytes }) =>
            file.write(bytes, 0, bytes.length, end - bytes.length),
          ),
        );
        await writeNote();
      } catch (error) {
        throw filesFault(`writing to ${folder}`, error);
      }
    },
    finish: () => Promise.resolve(),
    async close() {
      for (const { file } of targets.values()) await file.close();
      if (convert && targets.size > 0) await convert(new Map([...targets].map(([output, { path }]) => [output, path])));
    },
  };
}

async function refuseExisting(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const found = await stat(path).catch(() => null);
    if (found === null) continue;
    throw fault(
      'ConfigInvalid',
      `${path} is there already; go on with --resume, write over it with --replace, or name another folder`,
    );
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

function filesFault(doing: string, error: unknown): Error {
  if (isFault(error)) return error;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const mine = code === 'ENOSPC' || code === 'EIO' || code === 'EMFILE';
  return fault(mine ? 'WorkerFault' : 'ConfigInvalid', `${doing}: ${messageOf(error)}`, error);
}
