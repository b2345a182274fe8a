/**
 * A pipeline file that lands topics that others write: `topicPattern`, the columns of their JSON, and a lake. It has no source and
 * no warehouse, so only `land` and the looks at a lake take it. Each topic becomes a dataset of its own (docs/decisions/0016).
 */
import { z } from 'zod';
import type { Column, TableShape } from '../../contracts/columns.ts';
import type { LandingSpec } from '../../contracts/pipeline.ts';
import { DECLARED_TYPES, declaredColumn } from '../../formats/declared-types.ts';
import { lakeNameFaults } from '../../formats/lake-types.ts';
import { partitionFaults } from '../../formats/partition-folder.ts';
import { keyRefusal } from '../../formats/postgres-types.ts';
import { schemaVersion } from '../../formats/schema-version.ts';
import { check, type Checked } from './check.ts';
import type { Environment } from './interpolate.ts';
import { lakeOf, lakeSchema, name } from './pipeline-file.ts';
import { scalar, text } from './values.ts';
import { readYaml, type ConfigSource } from './yaml-source.ts';

/** The key that makes a file one of these. */
export const TOPICS_KEY = 'topicPattern';

export interface TopicsSpec {
  name: string;
  pattern: RegExp;
  /** `{1}` is the pattern's first group, `{topic}` the topic's name. */
  prefix: string;
  lake: LandingSpec['lake'];
  foreign: NonNullable<LandingSpec['foreign']>;
}

const PLACE = /\{(\d|topic)\}/g;

const pattern = scalar('a regular expression for the whole name of a topic, such as ([a-z]+)_topic', (found) => {
  if (typeof found !== 'string' || found === '') return undefined;
  try {
    // Whole names: `sales` is not to land `sales_test` as well.
    return { ok: new RegExp(`^(?:${found})$`) };
  } catch {
    return undefined;
  }
});

const prefixTemplate = scalar('a path in the bucket with {1} or {topic} in it, such as Inbound/{1}', (found) => {
  if (typeof found !== 'string') return undefined;
  const trimmed = found.replaceAll(/^\/+|\/+$/g, '');
  const fine = trimmed
    .replaceAll(PLACE, 'x')
    .split('/')
    .every((part) => /^[A-Za-z0-9_][A-Za-z0-9 _.=-]*$/.test(part));
  return fine && trimmed.search(PLACE) >= 0 && trimmed.length <= 400 ? { ok: trimmed } : undefined;
});

const topicsSchema = z.strictObject({
  name,
  topicPattern: pattern,
  columns: z.record(z.string(), text('a type such as bigint or numeric(12,2)')),
  key: z.array(text('a column name')).min(1, 'at least one column'),
  lake: lakeSchema(prefixTemplate),
});

export interface TopicsReading {
  checked: Checked<TopicsSpec>;
  source: ConfigSource;
}

/** @returns null where the file is none of these */
export function readTopics(path: string, env: Environment): TopicsReading | null {
  const source = readYaml(path, env);
  const { data } = source;
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, TOPICS_KEY)) return null;
  const checked = check(topicsSchema, data, source);
  const problems = [...source.problems, ...checked.problems.filter(({ path: at }) => !source.isBroken(at))];
  if (checked.value === undefined || problems.length > 0) return { checked: { problems }, source };
  const { columns, key, lake, topicPattern } = checked.value;
  const add = (at: readonly string[], message: string): void =>
    void problems.push({ place: source.placeOf(at), path: at.join('.'), message });
  const shape = shapeOf(columns, key, add);
  for (const fault of shape.columns.length > 0 ? lakeNameFaults(shape.columns) : []) add(['columns'], fault);
  for (const fault of partitionFaults(lakeOf(lake), shape))
    add(['lake', 'partitionBy'], fault.replace('lake.partitionBy: ', ''));
  if (lake.afterLoad !== undefined) {
    add(['lake', 'afterLoad'], 'is for what a warehouse has loaded, and this file has none: remove it');
  }
  const groups = new RegExp(`${topicPattern.source}|`).exec('')?.length ?? 1;
  const missing = [...lake.prefix.matchAll(PLACE)].find(([, place]) => place !== 'topic' && Number(place) >= groups);
  if (missing) add(['lake', 'prefix'], `${missing[0]} stands for a group that topicPattern does not have`);
  if (problems.length > 0) return { checked: { problems }, source };
  const foreign = { version: schemaVersion(shape), shape };
  const value = { name: checked.value.name, pattern: topicPattern, prefix: lake.prefix, lake: lakeOf(lake), foreign };
  return { checked: { value, problems: [] }, source };
}

function shapeOf(
  declared: Readonly<Record<string, string>>,
  key: readonly string[],
  add: (at: readonly string[], message: string) => void,
): TableShape {
  const columns = Object.entries(declared).flatMap(([column, type]): Column[] => {
    const found = declaredColumn(column, type);
    if (!found) add(['columns', column], `found "${type}"; allowed: ${DECLARED_TYPES}`);
    return found ? [{ ...found, nullable: found.nullable && !key.includes(column) }] : [];
  });
  for (const column of key) {
    const type = columns.find((each) => each.name === column)?.type;
    const refusal = type && keyRefusal(type);
    if (!Object.hasOwn(declared, column)) add(['key'], `"${column}" is none of the columns`);
    else if (refusal) add(['key'], refusal);
  }
  return { columns, key };
}

/** The landing of one topic; null where the pattern does not match its name. */
export function landingOf(spec: TopicsSpec, topic: string): LandingSpec | null {
  const found = spec.pattern.exec(topic);
  if (!found) return null;
  const prefix = spec.prefix.replaceAll(PLACE, (_, place: string) =>
    place === 'topic' ? topic : (found[Number(place)] ?? ''),
  );
  const { name: pipeline, lake, foreign } = spec;
  return { name: pipeline, topic: { name: topic, partitions: 1 }, lake: { ...lake, prefix }, foreign };
}
