/**
 * Generates: opens the place where events go, makes sure that a run which goes on is the same run, and drives. Used by the
 * command and by the activity of `headrace generate --workflow`.
 */
import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { openGeneratedMessages } from '../activities/generated-messages.ts';
import { openGeneratedRows } from '../activities/generated-rows.ts';
import { openFilesSink } from '../connectors/files/generated-files.ts';
import { fault } from '../contracts/errors.ts';
import type { GenerateRequest } from '../contracts/generate.ts';
import type { Settings } from '../contracts/settings.ts';
import { drive, type Driven, type Progress } from '../generators/drive.ts';
import { copyEncoder, csvEncoder, csvHead, jsonEncoder } from '../generators/encode.ts';
import type { Output } from '../generators/model.ts';
import type { Clock, Found, Identity, Sink } from '../generators/ports.ts';
import { type AnyProfile, profiles } from '../generators/profiles.ts';
import type { Group, Values } from '../generators/kinds.ts';
import { formOf, goalOf, spanOf } from '../generators/request.ts';
import { connectionOf } from './config/index.ts';
import { openTablesOf } from './databases.ts';

export interface GenerateOptions {
  /** What a run before left is gone on with; `own`: only where it is of this very request, else it is begun anew. */
  resume: boolean | 'own';
  /** What a run before left is written over. */
  replace: boolean;
  signal: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

export interface Generated extends Driven {
  /** Events that were there before. */
  before: number;
}

const systemClock: Clock = {
  now: Date.now,
  sleep: (ms, signal) => wait(ms, undefined, { signal }).catch(() => undefined),
};

/** @throws Fault ConfigInvalid where what is there is of another run, and whatever the place throws */
export async function generate(
  settings: Pick<Settings, 'connections' | 'kafka'>,
  request: GenerateRequest,
  { resume, replace, signal, onProgress }: GenerateOptions,
): Promise<Generated> {
  const profile = profileOf(request.profile);
  const form = formOf(request.target);
  const values = request.settings as Values<Group>;
  const outputs = profile.outputs(values, form);
  const identity = identityOf(request);
  const { seed, start } = identity;
  const run = { seed, start, form, ...spanOf(request), ...(request.pace === undefined ? {} : { futureFrom: start }) };
  // Before the place is opened: settings' files may have faults.
  const emissions = profile.emit(values, run);
  const { sink, close } = await openSink(settings, request, outputs, replace);
  try {
    const found = await sink.find();
    const isOwn = found !== null && found.identity.id === identity.id;
    const from = resume === true || (resume === 'own' && isOwn) ? sameRun(found, identity) : null;
    await sink.begin(identity, outputs, from);
    const driven = await drive({
      ...{ emissions, sink, goal: goalOf(request), counts: from?.counts ?? {}, clock: systemClock, signal },
      ...(request.pace === undefined ? {} : { pace: request.pace }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const all = Object.values(driven.counts).reduce((sum, each) => sum + each, 0);
    return { ...driven, before: all - driven.written };
  } finally {
    await sink.close();
    await close();
  }
}

/** What a run before left in the place where this one goes. */
export async function findGenerated(
  settings: Pick<Settings, 'connections' | 'kafka'>,
  request: GenerateRequest,
): Promise<Found | null> {
  const outputs = profileOf(request.profile).outputs(request.settings as Values<Group>, formOf(request.target));
  const { sink, close } = await openSink(settings, request, outputs, false);
  try {
    return await sink.find();
  } finally {
    await sink.close();
    await close();
  }
}

export function profileOf(name: string): AnyProfile {
  const profile = profiles.get(name);
  if (profile) return profile;
  throw fault('ConfigInvalid', `there is no profile ${name}; there are ${[...profiles.keys()].join(', ')}`);
}

function identityOf(request: GenerateRequest): Identity {
  const { profile, seed, start, settings, target, id } = request;
  const hash = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
  return {
    profile,
    seed,
    start,
    form: formOf(target),
    ...spanOf(request),
    ...(id === undefined ? {} : { id }),
    settings: hash,
  };
}

function sameRun(found: Found | null, wanted: Identity): Found | null {
  if (found === null) return null;
  const keys = ['profile', 'seed', 'start', 'form', 'span', 'settings'] as const;
  // Of spans, order of keys included: both were written by the same hand.
  const differing = keys.filter((key) => JSON.stringify(found.identity[key]) !== JSON.stringify(wanted[key]));
  if (differing.length === 0) return found;
  const words = { span: '--events or --days', settings: 'the settings file', start: '--start', seed: '--seed' };
  const names = differing.map((key) => (key in words ? words[key as keyof typeof words] : key));
  throw fault(
    'ConfigInvalid',
    `what is there was begun otherwise: ${names.join(', ')} differ, so other events would follow; ` +
      'resume with what it was begun with, or begin anew without --resume',
  );
}

interface Opened {
  sink: Sink;
  close: () => Promise<void>;
}

async function openSink(
  settings: Pick<Settings, 'connections' | 'kafka'>,
  { profile, target }: GenerateRequest,
  outputs: readonly Output[],
  replace: boolean,
): Promise<Opened> {
  const nothing = () => Promise.resolve();
  if (target.kind === 'db') {
    const tables = openTablesOf(connectionOf(settings, target.connection), profile);
    return { sink: openGeneratedRows({ profile, tables, encoder: copyEncoder, replace }), close: nothing };
  }
  if (target.kind === 'kafka') {
    const { openKafka } = await import('./kafka-client.ts');
    const { topics, openLane } = await openKafka(settings.kafka);
    const { partitions } = target;
    const sink = openGeneratedMessages({ profile, outputs, topics, openLane, partitions });
    return { sink, close: () => topics.close() };
  }
  const { folder } = target;
  const lines = { ending: '.jsonl', encoder: jsonLines, head: () => '' };
  if (target.format === 'parquet') {
    const convert = (paths: ReadonlyMap<Output, string>) => toParquet(paths, folder);
    return { sink: openFilesSink({ folder: join(folder, '.lines'), format: lines, replace, convert }), close: nothing };
  }
  const format = target.format === 'csv' ? { ending: '.csv', encoder: csvEncoder, head: csvHead } : lines;
  return { sink: openFilesSink({ folder, format, replace }), close: nothing };
}

function jsonLines(output: Output) {
  const encode = jsonEncoder(output);
  return (row: Parameters<typeof encode>[0]) => `${encode(row)}\n`;
}

const PARQUET_MEMORY_MB = 1_024;

async function toParquet(paths: ReadonlyMap<Output, string>, folder: string): Promise<void> {
  const { openDuckDb } = await import('../connectors/duckdb/instance.ts');
  const { writeParquet } = await import('../connectors/duckdb/generated-parquet.ts');
  const duckdb = await openDuckDb({
    threads: 2,
    memoryLimitMb: PARQUET_MEMORY_MB,
    tempDirectory: join(folder, '.lines'),
  });
  try {
    for (const [output, lines] of paths) {
      const path = join(folder, `${output.name}.parquet`);
      await writeParquet(duckdb, output, lines, `${path}.new`);
      await rename(`${path}.new`, path);
    }
  } finally {
    duckdb.close();
  }
}
