/**
 * `tables:` in a pipeline file: one pipeline a table, each what the file says above it, with the entry's own settings over that,
 * and names made from the table's where neither gives one. A fault is told where it stands, and once, though each table has it.
 */
import { guess } from './guess.ts';
import type { Problem } from './problem.ts';
import { pathText } from './problem.ts';
import type { Environment } from './interpolate.ts';
import { readYaml, type ConfigSource } from './yaml-source.ts';

export const TABLES_KEY = 'tables';

/** A file's part that is one pipeline. */
export interface TableEntry {
  /** Null: the file is one pipeline. */
  table: string | null;
  /** As a file of its own would be read. */
  source: ConfigSource;
}

type Data = Readonly<Record<string, unknown>>;

/** It becomes part of workflow ids and object names. */
const TABLE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/;
/** What each table needs its own of, so that it is no setting for all. */
const OWN = [
  ['source', 'table'],
  ['topic', 'name'],
  ['warehouse', 'table'],
] as const;

/** Whether the file is one of several pipelines; what else it may be is not looked at. */
export function hasTables(path: string, env: Environment = process.env): boolean {
  const { data } = readYaml(path, env);
  return isData(data) && TABLES_KEY in data;
}

/** @returns the whole file where it has no tables */
export function tableEntries(file: ConfigSource): { entries: TableEntry[]; problems: Problem[] } {
  const { data } = file;
  const key = isData(data) ? tablesKeyOf(data) : undefined;
  if (!isData(data) || key === undefined) return { entries: [{ table: null, source: file }], problems: [] };
  const { [key]: listed, ...shared } = data;
  const problems: Problem[] = [];
  const add = (path: readonly PropertyKey[], message: string): void =>
    void problems.push({ place: file.placeOf(path), path: pathText(path), message });
  if (key !== TABLES_KEY) {
    const message = `is not a key here; did you mean ${TABLES_KEY}?`;
    problems.push({ place: file.keyPlaceOf([], key), path: key, message });
  }
  const named = namedEntries(listed, key);
  if (named === null || named.length === 0)
    add([key], 'names no table; allowed: a list of tables, or a mapping of tables to settings of their own');
  for (const [section, part] of OWN) {
    const found = shared[section];
    if (isData(found) && part in found)
      add([section, part], `would be the same for all tables; give it under tables, as tables.NAME.${section}.${part}`);
  }
  const entries: TableEntry[] = [];
  for (const { name, at, own } of named ?? []) {
    if (typeof name !== 'string' || !TABLE_NAME.test(name))
      add(at, 'is no name of a table: letters, digits, dots, dashes and underscores');
    else if (own !== null && !isData(own)) add(at, "allowed: a mapping of the table's own settings, or nothing");
    else if (own !== null && 'name' in own)
      add([...at, 'name'], `is the file's: this table's pipeline is called by it and by the table; remove it`);
    else if (entries.some(({ table }) => table === name)) add(at, `names ${name} twice; keep one`);
    else entries.push({ table: name, source: sourceOf(file, shared, name, at, own ?? {}) });
  }
  return { entries, problems };
}

interface NamedEntry {
  name: unknown;
  at: readonly PropertyKey[];
  own: unknown;
}

/** The key that holds the tables, or one that was meant to: read as if it were right, its file has but that one fault. */
function tablesKeyOf(data: Data): string | undefined {
  if (TABLES_KEY in data) return TABLES_KEY;
  return Object.keys(data).find((key) => typeof data[key] === 'object' && guess(key, [TABLES_KEY]) !== undefined);
}

function namedEntries(listed: unknown, key: string): NamedEntry[] | null {
  if (Array.isArray(listed)) return listed.map((name: unknown, place) => ({ name, at: [key, place], own: null }));
  if (!isData(listed)) return null;
  return Object.entries(listed).map(([name, own]) => ({ name, at: [key, name], own }));
}

/** The entry as if it were a file: its data, and where each value stands. */
function sourceOf(file: ConfigSource, shared: Data, name: string, at: readonly PropertyKey[], own: Data): ConfigSource {
  const whereOf = (path: readonly PropertyKey[]): readonly PropertyKey[] => {
    for (let length = path.length; length > 0; length -= 1) {
      const part = path.slice(0, length);
      if (has(own, part)) return [...at, ...path];
      if (has(shared, part)) return path;
    }
    return at;
  };
  return {
    data: withNames(merged(inFolder(shared, name), own), name),
    problems: [],
    placeOf: (path) => file.placeOf(whereOf(path)),
    keyPlaceOf: (path, key) => {
      const where = whereOf([...path, key]);
      return file.keyPlaceOf(where.slice(0, -1), key);
    },
    isBroken: (path) => file.isBroken(path) || file.isBroken(`${pathText(at)}.${path}`),
    writtenAt: (path) => file.writtenAt(whereOf(path)),
  };
}

/** Names that nobody gave. `schema`, beside `connection`, is where a table's name is completed from. */
function withNames(data: Data, table: string): Data {
  const pipeline = typeof data.name === 'string' ? data.name : '';
  const name = `${pipeline}.${table}`;
  const last = table.split('.').at(-1) ?? table;
  const section = (key: string): Data | undefined => (isData(data[key]) ? data[key] : undefined);
  const tableIn = (key: 'source' | 'warehouse', unqualified: string): Data => {
    const found = section(key);
    if (found === undefined) return {};
    const { schema, ...rest } = found;
    if ('table' in rest) return { [key]: rest };
    const qualified = typeof schema === 'string' ? `${schema}.${last}` : unqualified;
    return { [key]: { ...rest, table: qualified } };
  };
  const topic = data.topic === undefined || data.topic === null ? {} : section('topic');
  const lake = section('lake');
  return {
    ...data,
    ...(typeof data.name === 'string' ? { name } : {}),
    ...tableIn('source', table),
    ...(topic === undefined ? {} : { topic: { name, ...topic } }),
    ...(lake === undefined ? {} : { lake: { prefix: `${pipeline}/${table}`, ...lake } }),
    ...tableIn('warehouse', last),
  };
}

/** The lake prefix for all is a folder with one for each. */
function inFolder(shared: Data, table: string): Data {
  const { lake } = shared;
  if (!isData(lake) || typeof lake.prefix !== 'string') return shared;
  return { ...shared, lake: { ...lake, prefix: `${lake.prefix.replace(/\/+$/, '')}/${table}` } };
}

/** Mappings are merged, all else is the entry's. */
function merged(shared: Data, own: Data): Data {
  const result: Record<string, unknown> = { ...shared };
  for (const [key, value] of Object.entries(own)) {
    const above = result[key];
    result[key] = isData(above) && isData(value) ? merged(above, value) : value;
  }
  return result;
}

function isData(found: unknown): found is Data {
  return typeof found === 'object' && found !== null && !Array.isArray(found);
}

function has(data: unknown, path: readonly PropertyKey[]): boolean {
  let here = data;
  for (const part of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, part)) return false;
    here = (here as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return true;
}
