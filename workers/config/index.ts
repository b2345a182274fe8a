/**
 * Configuration: the only reader of process.env outside stack/. Settings say how services are reached (secrets
 * included); a pipeline says what is to be done (no secrets).
 */
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import type { ReplayDefaults } from '../../contracts/replay.ts';
import type { Settings } from '../../contracts/settings.ts';
import { isMysql } from '../../contracts/settings.ts';
import { parseMysqlTableName, type ParsedTableName } from '../../formats/sql-names.ts';
import { connectionOf, hasConnection, unknownText } from './connection.ts';
import { configFault, type Problem } from './problem.ts';
import { readPipeline } from './pipeline-file.ts';
import { readSettings, type SettingsOptions } from './settings.ts';
import { readTopics, type TopicsSpec } from './topics-file.ts';

export { connectionOf } from './connection.ts';
export { loadPipeline } from './pipeline-file.ts';
export { landingOf, TOPICS_KEY, type TopicsSpec } from './topics-file.ts';
export { loadSettings, SETTINGS_FILE, type SettingsOptions } from './settings.ts';
export { parseDuration } from './values.ts';
export { guess } from './guess.ts';

/**
 * Settings and pipeline together, so that one message has the faults of both, and of what one says of the other.
 * @throws Fault ConfigInvalid
 */
export function loadAll(
  pipelineFile: string,
  options: SettingsOptions = {},
): { settings: Settings; spec: PipelineSpec; replay: ReplayDefaults } {
  const { settings, problems: settingsProblems } = readSettings(options);
  const { checked, replay, source } = readPipeline(pipelineFile, options.env ?? process.env);
  const problems: Problem[] = [...settingsProblems, ...checked.problems];
  const spec = checked.value;
  if (settings !== undefined && spec !== undefined) {
    for (const part of ['source', 'warehouse'] as const) {
      const { connection } = spec[part];
      if (hasConnection(settings, connection)) {
        const table = mysqlTable(settings, connection, tableText(source.data, part));
        if (table === null) continue;
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
  }
  if (settings !== undefined && spec !== undefined && problems.length === 0 && isOwnSource(settings, spec)) {
    problems.push({
      place: source.placeOf(['warehouse', 'table']),
      path: 'warehouse.table',
      message: 'is the table that source.table reads: older rows would be written over newer ones; name another',
    });
  }
  if (settings === undefined || spec === undefined || problems.length > 0) throw configFault(problems);
  return { settings, spec, replay };
}

/** A table's name as the file has it: what it means hangs on the kind of the connection. */
function tableText(data: unknown, part: 'source' | 'warehouse'): string | undefined {
  const section: unknown = typeof data === 'object' && data !== null && part in data ? data[part as never] : undefined;
  const table: unknown =
    typeof section === 'object' && section !== null && 'table' in section ? section.table : undefined;
  return typeof table === 'string' ? table : undefined;
}

/** What a table's name means where the connection is a MySQL one; null where it is not. */
function mysqlTable(settings: Settings, connection: string, text: string | undefined): ParsedTableName | null {
  const database = connectionOf(settings, connection);
  if (!isMysql(database) || text === undefined) return null;
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
