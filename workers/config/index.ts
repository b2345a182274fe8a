/**
 * Configuration: the only reader of process.env outside stack/. Settings say how services are reached (secrets
 * included); a pipeline says what is to be done (no secrets).
 */
import { fault } from '../../contracts/errors.ts';
import { datasetOf, type PipelineSpec } from '../../contracts/pipeline.ts';
import type { ReplayDefaults } from '../../contracts/replay.ts';
import type { Settings } from '../../contracts/settings.ts';
import { isMysql } from '../../contracts/settings.ts';
import { parseMysqlTableName, type ParsedTableName, parseTableName } from '../../formats/sql-names.ts';
import { connectionOf, hasConnection, unknownText } from './connection.ts';
import { configFault, type Problem } from './problem.ts';
import { type PipelineReading, readPipelines, told } from './pipeline-file.ts';
import { readSettings, type SettingsOptions } from './settings.ts';
import { CONNECTION_NAME } from './variables.ts';
import { readTopics, type TopicsSpec } from './topics-file.ts';

export { connectionOf } from './connection.ts';
export { loadPipeline } from './pipeline-file.ts';
export { hasTables } from './tables.ts';
export { landingOf, TOPICS_KEY, type TopicsSpec } from './topics-file.ts';
export { loadSettings, SETTINGS_FILE, type SettingsOptions } from './settings.ts';
export { parseDuration } from './values.ts';
export { guess } from './guess.ts';

export interface PipelineOptions extends SettingsOptions {
  /** Of a file with several. */
  table?: string | undefined;
}

export interface LoadedPipeline {
  /** Null: the file is one pipeline. */
  table: string | null;
  spec: PipelineSpec;
  replay: ReplayDefaults;
}

/**
 * Settings and a file's one pipeline.
 * @throws Fault ConfigInvalid, also where the file has several tables and none is named
 */
export function loadAll(
  pipelineFile: string,
  options: PipelineOptions = {},
): { settings: Settings; spec: PipelineSpec; replay: ReplayDefaults } {
  const { settings, pipelines } = loadEach(pipelineFile, options);
  const [first, second] = pipelines;
  if (first !== undefined && second === undefined) return { settings, spec: first.spec, replay: first.replay };
  const tables = pipelines.map(({ table }) => table).join(', ');
  throw fault('ConfigInvalid', `${pipelineFile} holds several tables: name one with --table (${tables})`);
}

/**
 * Settings and every pipeline of a file together, so that one message has the faults of both, and of what one says of the other.
 * @throws Fault ConfigInvalid
 */
export function loadEach(
  pipelineFile: string,
  options: PipelineOptions = {},
): { settings: Settings; pipelines: LoadedPipeline[] } {
  const { settings, problems: settingsProblems } = readSettings(options);
  const { readings, problems: fileProblems } = readPipelines(pipelineFile, options.env ?? process.env);
  const pipelines = readings.flatMap(({ table, checked, replay }) =>
    checked.value === undefined ? [] : [{ table, spec: checked.value, replay }],
  );
  const fitted = settings === undefined ? [] : readings.map((reading) => withSettings(settings, reading));
  const problems = [...settingsProblems, ...fileProblems, ...told([...readings]), ...told(fitted)];
  // A name given for all tables is a fault of the file already, once.
  if (fileProblems.length === 0) problems.push(...sharedNames(readings));
  if (settings === undefined || problems.length > 0) throw configFault(problems);
  const { table: wanted } = options;
  if (wanted === undefined) return { settings, pipelines };
  const chosen = pipelines.filter(({ table }) => table === wanted);
  if (chosen.length > 0) return { settings, pipelines: chosen };
  const tables = pipelines.flatMap(({ table }) => table ?? []).join(', ');
  const there = tables === '' ? 'it is one pipeline, without tables: leave --table out' : `it has ${tables}`;
  throw fault('ConfigInvalid', `${pipelineFile} has no table ${wanted}; ${there}`);
}

/**
 * What the settings say of a pipeline: connections, and tables' names where they are MySQL's. A connection's name is looked up in a
 * part with other faults, too, so that all are told in one go.
 */
function withSettings(settings: Settings, { table: of, checked, source }: PipelineReading): FittedReading {
  const problems: Problem[] = [];
  const spec = checked.value;
  for (const part of ['source', 'warehouse'] as const) {
    const connection = textAt(source.data, part, 'connection');
    // What can be no name at all is told as that.
    if (connection === undefined || !CONNECTION_NAME.test(connection)) continue;
    if (hasConnection(settings, connection)) {
      const table = spec && tableOf(settings, connection, textAt(source.data, part, 'table'));
      if (!table) continue;
      if ('ok' in table) spec[part].table = table.ok;
      else problems.push({ place: source.placeOf([part, 'table']), path: `${part}.table`, message: table.error });
      continue;
    }
    problems.push({
      place: source.placeOf([part, 'connection']),
      path: `${part}.connection`,
      message: `${connection} ${unknownText(settings, connection)}`,
    });
  }
  if (spec !== undefined && problems.length === 0 && isOwnSource(settings, spec)) {
    problems.push({
      place: source.placeOf(['warehouse', 'table']),
      path: 'warehouse.table',
      message: 'is the table that source.table reads: older rows would be written over newer ones; name another',
    });
  }
  return { table: of, checked: { problems } };
}

/** Tables of one file that would be in each other's way. */
function sharedNames(readings: readonly PipelineReading[]): Problem[] {
  const owners = new Map<string, string | null>();
  return readings.flatMap(({ table, checked: { value: spec }, source }) => {
    if (spec === undefined) return [];
    const { connection, table: target } = spec.warehouse;
    const names = [
      [['topic', 'name'], `topic ${spec.topic.name}`],
      [['lake', 'prefix'], `lake prefix ${datasetOf(spec.lake)}`],
      [['warehouse', 'table'], `warehouse table ${target.schema}.${target.table} of ${connection}`],
    ] as const;
    return names.flatMap(([path, name]) => {
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, table);
      if (owner === undefined) return [];
      const message = `${name} is table ${owner ?? ''}'s already; give each its own`;
      return [{ place: source.placeOf(path), path: `tables.${table ?? ''}.${path.join('.')}`, message }];
    });
  });
}

type FittedReading = Pick<PipelineReading, 'table' | 'checked'>;

/** A connection's or a table's name as the file has it: what the latter means hangs on the kind of the connection. */
function textAt(data: unknown, part: 'source' | 'warehouse', key: 'connection' | 'table'): string | undefined {
  const text = fieldOf(fieldOf(data, part), key);
  return typeof text === 'string' ? text : undefined;
}

function fieldOf(data: unknown, key: string): unknown {
  return typeof data === 'object' && data !== null
    ? Object.entries(data).find(([name]) => name === key)?.[1]
    : undefined;
}

/** What a table's name means by the kind of its connection; null where there is none. */
function tableOf(settings: Settings, connection: string, text: string | undefined): ParsedTableName | null {
  const database = connectionOf(settings, connection);
  if (text === undefined) return null;
  if (!isMysql(database)) return parseTableName(text);
  return parseMysqlTableName(text, decodeURIComponent(new URL(database.url).pathname.slice(1)));
}

/**
 * Settings and a file that lands topics of others.
 * @returns null where the file is a pipeline's
 * @throws Fault ConfigInvalid
 */
export function loadTopics(
  file: string,
  options: SettingsOptions = {},
): { settings: Settings; topics: TopicsSpec } | null {
  const reading = readTopics(file, options.env ?? process.env);
  if (!reading) return null;
  const { settings, problems } = readSettings(options);
  const topics = reading.checked.value;
  const all = [...problems, ...reading.checked.problems];
  if (settings === undefined || topics === undefined || all.length > 0) throw configFault(all);
  return { settings, topics };
}

/** The same table in the same database, whoever the user is. Another name of one host is not recognised. */
function isOwnSource(settings: Settings, { source, warehouse }: PipelineSpec): boolean {
  const [read, written] = [source, warehouse].map(({ connection, table }) => {
    const { host, pathname } = new URL(connectionOf(settings, connection).url);
    return JSON.stringify([host, pathname, table.schema, table.table]);
  });
  return read === written;
}
