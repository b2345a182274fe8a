/**
 * Checks data against a schema and tells every problem at its place. Unknown keys are problems, with a guess at what was
 * meant. The value found is shown, unless it is or may hold a secret: by the schema's word, whatever is wrong with the value.
 */
import { z } from 'zod';
import { guess } from './guess.ts';
import { pathText, withoutPassword, type Problem } from './problem.ts';
import { isSecret, type IssueParams } from './values.ts';
import type { ConfigSource } from './yaml-source.ts';

/** Of a value found; a file of another kind may be one value of megabytes. */
const SHOWN_CHARACTERS = 100;
/** Of what is not shown. */
const KINDS: Readonly<Record<string, string>> = { string: 'text', number: 'a number', boolean: 'true or false' };

/** Keys whose mapping may be given as a word, too. */
const MAPPINGS: ReadonlyMap<unknown, string> = new Map([
  ['afterLoad', 'keep, or a mapping with moveTo or expireAfter'],
  ['onBad', 'deadLetter, fail, or a mapping with mode and most'],
  ['tls', 'true, false, or a mapping of keys to values'],
]);

export type Checked<T> = { value: T; problems: [] } | { value?: never; problems: Problem[] };

interface Places extends Pick<ConfigSource, 'placeOf' | 'keyPlaceOf' | 'writtenAt'> {
  /** How a path is called in messages; default: dotted. */
  nameOf?: (path: readonly PropertyKey[]) => string;
}

export function check<T>(schema: z.ZodType<T>, data: unknown, places: Places): Checked<T> {
  const result = schema.safeParse(data);
  if (result.success) return { value: result.data, problems: [] };
  const problems = result.error.issues.flatMap((issue) => problemsOf(issue, schema, data, places));
  // A mistyped key is told once: not also as the key that is missing for it.
  const meant = new Set(problems.flatMap((problem) => (problem.meantPath === undefined ? [] : [problem.meantPath])));
  return {
    problems: problems
      .filter(({ path, missing }) => missing !== true || !meant.has(path))
      .map(({ place, path, message }) => ({ place, path, message })),
  };
}

interface FoundProblem extends Problem {
  missing?: true;
  meantPath?: string;
}

function problemsOf(issue: z.core.$ZodIssue, schema: z.ZodType, data: unknown, places: Places): FoundProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => {
      const word = meantBy(key, known, valueAt(data, issue.path));
      const hint = word === undefined ? `; allowed: ${known.join(', ')}` : `; did you mean ${word}?`;
      return {
        place: places.keyPlaceOf(issue.path, key),
        path: pathText([...issue.path, key]),
        message: `is not a key here${hint}`,
        ...(word === undefined ? {} : { meantPath: pathText([...issue.path, word]) }),
      };
    });
  }
  const place = places.placeOf(issue.path);
  const path = (places.nameOf ?? pathText)(issue.path);
  const params: IssueParams = issue.code === 'custom' ? (issue.params ?? {}) : {};
  if (params.complete === true) return [{ place, path, message: issue.message }];
  const found = valueAt(data, issue.path);
  const allowed = issue.code === 'custom' ? issue.message : allowedBy(issue);
  if (found === undefined || found === null) {
    const message = `is ${found === undefined ? 'missing' : 'empty'}; allowed: ${allowed}`;
    return [{ place, path, message, ...(found === undefined ? { missing: true } : {}) }];
  }
  const shown = shownValue(found, places.writtenAt(issue.path), holdsSecret(schemaAt(schema, issue.path)));
  return [{ place, path, message: `found ${shown}; allowed: ${allowed}` }];
}

/** A key that is there already is no likely meaning. */
function meantBy(key: string, known: readonly string[], beside: unknown): string | undefined {
  return guess(
    key,
    known.filter((name) => typeof beside !== 'object' || beside === null || !(name in beside)),
  );
}

function allowedBy(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type') return issue.message;
  if (issue.expected === 'array') return 'a list';
  if (issue.expected !== 'object' && issue.expected !== 'record') return issue.expected;
  return MAPPINGS.get(issue.path.at(-1)) ?? 'a mapping of keys to values';
}

/** Names of the keys of the object that the schema has at a path. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const object = inner(schemaAt(schema, path));
  return object instanceof z.ZodObject ? Object.keys(object.shape) : [];
}

function schemaAt(schema: unknown, path: readonly PropertyKey[]): unknown {
  let here = schema;
  for (const part of path) here = step(inner(here), part);
  return here;
}

/** Itself or anywhere under it: text where a mapping with a password is expected may be the password. */
function holdsSecret(schema: unknown): boolean {
  if (isSecret(schema)) return true;
  const wrapped = unwrapped(schema);
  return wrapped === undefined ? partsOf(schema).some(holdsSecret) : holdsSecret(wrapped);
}

function partsOf(schema: unknown): unknown[] {
  if (schema instanceof z.ZodObject) return Object.values(schema.shape);
  if (schema instanceof z.ZodArray) return [schema.element];
  return schema instanceof z.ZodRecord ? [schema.valueType] : [];
}

function step(schema: unknown, part: PropertyKey): unknown {
  if (schema instanceof z.ZodObject) return (schema.shape as Readonly<Record<PropertyKey, unknown>>)[part];
  if (schema instanceof z.ZodArray) return schema.element;
  return schema instanceof z.ZodRecord ? schema.valueType : undefined;
}

/** Through wrappers (optional, default, transform, union's object) to what they wrap. */
function inner(schema: unknown): unknown {
  const wrapped = unwrapped(schema);
  return wrapped === undefined ? schema : inner(wrapped);
}

function unwrapped(schema: unknown): unknown {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return schema.unwrap();
  }
  return schema instanceof z.ZodPipe ? schema.in : undefined;
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let here: unknown = data;
  for (const part of path) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = (here as Readonly<Record<PropertyKey, unknown>>)[part];
  }
  return here;
}

function shownValue(found: unknown, written: string | undefined, secret: boolean): string {
  if (Array.isArray(found)) return found.length === 0 ? 'an empty list' : 'a list';
  if (typeof found === 'object') return 'a mapping';
  if (written !== undefined) return `\`${written}\` (its content is not shown)`;
  if (secret) return `${KINDS[typeof found] ?? 'a value'} that is not shown here`;
  const text = typeof found === 'number' ? String(found) : withoutPassword(JSON.stringify(found));
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}… (${text.length} characters)`;
}
