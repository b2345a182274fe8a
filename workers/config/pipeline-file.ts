/**
 * A pipeline file: `loadPipeline` gives the spec as workflows carry it, defaults filled in, or every fault in one go.
 * Connections are named only; their addresses are the settings' business, so a spec never holds a secret.
 */
import { z } from 'zod';
import { LOAD_MODES, PIPELINE_DEFAULTS, type PipelineSpec } from '../../contracts/pipeline.ts';
import type { ReplayDefaults } from '../../contracts/replay.ts';
import { afterLoad, afterLoadOf, expiryRefusal, moveRefusal } from './after-load.ts';
import { check, type Checked } from './check.ts';
import { checkLayout, layout, layoutOf } from './lake-layout.ts';
import type { Environment } from './interpolate.ts';
import { configFault, type Problem } from './problem.ts';
import { checkSpeed, checkWindow, replayKeys, replayOf, sourceKeys } from './replay-part.ts';
import { type TableEntry, TABLES_KEY, tableEntries } from './tables.ts';
import { count, duration, matching, oneOf, scalar, size, table, text } from './values.ts';
import { CONNECTION_NAME } from './variables.ts';
import { readYaml, type ConfigSource } from './yaml-source.ts';

const { rotate: ROTATE } = PIPELINE_DEFAULTS;
const BAD_MODES = ['deadLetter', 'fail'] as const;

/** It becomes part of workflow ids, whose parts are split by slashes. */
export const name = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
  'a name of letters, digits, dots, dashes and underscores',
);
/** HEADRACE_CONNECTION_<NAME> must be able to name it. */
const connectionName = matching(
  CONNECTION_NAME,
  'a name of letters, digits, dashes and underscores, as under `connections:` in headrace.yaml',
);
/** Kafka's own rule. */
const topicName = scalar('a topic name of at most 249 letters, digits, dots, dashes and underscores', (found) =>
  typeof found === 'string' && /^[A-Za-z0-9._-]{1,249}$/.test(found) && found !== '.' && found !== '..'
    ? { ok: found }
    : undefined,
);
/** S3's own rule, https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const bucket = matching(
  /^(?!\d+\.\d+\.\d+\.\d+$)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
  'a bucket name of 3 to 63 lower-case letters, digits, single dots and dashes, and no IP address',
);
/** Slashes at the ends are dropped: `raw/x` and `raw/x/` must not be two datasets with two owners. */
const prefix = scalar('a path in the bucket such as raw/product_sales', (found) => {
  if (typeof found !== 'string') return undefined;
  const trimmed = found.replaceAll(/^\/+|\/+$/g, '');
  const parts = trimmed.split('/');
  // `=` and `%` mark partitions in object names, and the conditional PUT's probe must hit the same name everywhere.
  const fine = parts.every((part) => /^[A-Za-z0-9_][A-Za-z0-9 _.=-]*$/.test(part));
  return fine && trimmed.length <= 700 ? { ok: trimmed } : undefined;
});
const columns = z
  .array(text('a column name'))
  .min(1, 'at least one column')
  .check((found) => {
    if (new Set(found.value).size === found.value.length) return;
    found.issues.push({
      code: 'custom',
      input: found.value,
      message: 'names a column twice',
      params: { complete: true },
    });
  });

/** @param prefixes what a prefix may be */
export const lakeSchema = (prefixes: typeof prefix) =>
  z
    .strictObject({
      bucket,
      prefix: prefixes,
      ...layout,
      rotate: z
        .strictObject({
          records: count(1, 100_000_000).default(ROTATE.records),
          bytes: size(1024, 4 * 2 ** 30).default(ROTATE.bytes),
          age: duration(100, 86_400_000).default(ROTATE.ageMs),
        })
        .prefault({}),
      afterLoad,
    })
    .check(checkLayout)
    .check((found) => {
      const message = moveRefusal(found.value.prefix, found.value.afterLoad);
      if (message === null) return;
      const path = ['afterLoad', 'moveTo'];
      found.issues.push({ code: 'custom', path, input: found.value, message, params: { complete: true } });
    });

const pipelineSchema = z
  .strictObject({
    name,
    source: z
      .strictObject({
        connection: connectionName,
        table: table(),
        eventTime: text('a column name').optional(),
        key: columns.optional(),
        chunkRows: count(100, 10_000_000).default(PIPELINE_DEFAULTS.chunkRows),
        lanes: count(1, 64).default(PIPELINE_DEFAULTS.lanes),
        columns: columns.optional(),
        ...sourceKeys,
      })
      .check(checkWindow),
    replay: replayKeys,
    topic: z.strictObject({
      name: topicName,
      partitions: count(1, 10_000).default(PIPELINE_DEFAULTS.partitions),
    }),
    lake: lakeSchema(prefix),
    warehouse: z.strictObject({
      connection: connectionName,
      table: table(),
      mode: oneOf(LOAD_MODES).default('upsert'),
      schemaChange: oneOf(['refuse', 'add']).default('refuse'),
    }),
    onBad: z
      .preprocess(
        // `onBad: fail` for `onBad: { mode: fail }`; another word is told as it is, not as a mode that nobody wrote.
        (found) => (BAD_MODES.some((mode) => mode === found) ? { mode: found } : found),
        z.strictObject({
          mode: oneOf(BAD_MODES).default('deadLetter'),
          most: count(0, 1_000_000_000).optional(),
        }),
      )
      .optional(),
  })
  .check(checkSpeed)
  .check((found) => {
    const message = expiryRefusal(found.value.warehouse.mode, found.value.lake.afterLoad);
    if (message === null) return;
    const path = ['lake', 'afterLoad', 'expireAfter'];
    found.issues.push({ code: 'custom', path, input: found.value, message, params: { complete: true } });
  });

export interface PipelineReading {
  /** Null: the file is one pipeline. */
  table: string | null;
  checked: Checked<PipelineSpec>;
  /** Of a file without faults. */
  replay: ReplayDefaults;
  source: ConfigSource;
}

/**
 * Reads and checks without throwing, for callers that list the faults of several files together.
 * @returns one reading, or one a table; problems are of the file as a whole
 */
export function readPipelines(path: string, env: Environment): { readings: PipelineReading[]; problems: Problem[] } {
  const source = readYaml(path, env);
  if (source.data === undefined || source.data === null) {
    const empty = [
      { place: path, path: '', message: 'holds no pipeline; it needs name, source, topic, lake, warehouse' },
    ];
    return { readings: [], problems: source.problems.length > 0 ? source.problems : empty };
  }
  if (typeof source.data === 'object' && 'topicPattern' in source.data) {
    const message =
      'lands topics that others write: only `land`, `lake ls`, `lake show` and `lake compact` take such a file';
    return { readings: [], problems: [{ place: source.placeOf(['topicPattern']), path: 'topicPattern', message }] };
  }
  const { entries, problems } = tableEntries(source);
  const readings = entries.map((entry): PipelineReading => ({ ...entry, ...checkEntry(entry) }));
  return { readings, problems: [...source.problems, ...problems] };
}

function checkEntry({ source }: TableEntry): Pick<PipelineReading, 'checked' | 'replay'> {
  const checked = check(pipelineSchema, source.data, source);
  const problems = checked.problems.filter(({ path }) => !source.isBroken(path));
  if (checked.value === undefined) return { checked: { problems }, replay: {} };
  return { checked: { value: specOf(checked.value), problems: [] }, replay: replayOf(checked.value) };
}

/**
 * @param path of the YAML file
 * @param env for `${NAME}` in it
 * @throws Fault ConfigInvalid that lists every fault with its place; or that the file has several tables
 */
export function loadPipeline(path: string, env: Environment = process.env): PipelineSpec {
  const { readings, problems } = readPipelines(path, env);
  const [first] = readings;
  const all = [...problems, ...told(readings)];
  if (all.length > 0 || first?.checked.value === undefined || readings.length > 1) throw configFault(all);
  return first.checked.value;
}

/** The readings' problems, each once: what all tables have is told of the file, the rest of its table. */
export function told(readings: readonly Pick<PipelineReading, 'table' | 'checked'>[]): Problem[] {
  const found = new Map<string, { problem: Problem; tables: (string | null)[] }>();
  for (const { table, checked } of readings) {
    for (const problem of checked.problems) {
      const name = JSON.stringify(problem);
      const known = found.get(name);
      if (known) known.tables.push(table);
      else found.set(name, { problem, tables: [table] });
    }
  }
  return [...found.values()].flatMap(({ problem, tables }) =>
    tables.length === readings.length && (tables.length > 1 || tables[0] === null)
      ? [problem]
      : tables.map((table) => ({ ...problem, path: `${TABLES_KEY}.${table ?? ''}.${problem.path}` })),
  );
}

function specOf(file: z.infer<typeof pipelineSchema>): PipelineSpec {
  const { onBad, replay: _replay, ...rest } = file;
  const { eventTime, key, columns: read, where: _where, from: _from, to: _to, ...source } = file.source;
  const { schemaChange, ...warehouse } = file.warehouse;
  return {
    ...rest,
    ...(onBad === undefined
      ? {}
      : { onBad: { mode: onBad.mode, ...(onBad.most === undefined ? {} : { most: onBad.most }) } }),
    source: {
      ...source,
      ...(eventTime === undefined ? {} : { eventTime }),
      ...(key === undefined ? {} : { key }),
      ...(read === undefined ? {} : { columns: read }),
    },
    lake: lakeOf(file.lake),
    warehouse: { ...warehouse, ...(schemaChange === 'add' ? { schemaChange } : {}) },
  };
}

export function lakeOf(lake: z.infer<ReturnType<typeof lakeSchema>>): PipelineSpec['lake'] {
  const { age, ...rotate } = lake.rotate;
  const written = { ...layoutOf(lake), rotate: { ...rotate, ageMs: age } };
  return { bucket: lake.bucket, prefix: lake.prefix, ...written, ...afterLoadOf(lake.afterLoad) };
}
