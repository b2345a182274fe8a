/**
 * A YAML file as plain data in which every value can still be found again: file, line and column, and the text as it was
 * written. Interpolation happens here, on the parsed scalars, so that no variable's content can change the structure.
 */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import {
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml';
import { messageOf } from '../../contracts/errors.ts';
import { interpolate, type Environment } from './interpolate.ts';
import { pathText, type Problem } from './problem.ts';

export interface ConfigSource {
  data: unknown;
  /** Of reading, parsing and interpolating. */
  problems: Problem[];
  /** Place of the value at a path; of the nearest thing around it where it is missing. */
  placeOf(path: readonly PropertyKey[]): string;
  /** Place of a key in the mapping at a path. */
  keyPlaceOf(path: readonly PropertyKey[], key: string): string;
  /** Whether a problem of a value is told already, by its path as text. */
  isBroken(path: string): boolean;
  /** The scalar as written, where a variable was put in; undefined otherwise. */
  writtenAt(path: readonly PropertyKey[]): string | undefined;
}

/** @param file as the user named it: messages show it as it is */
export function readYaml(file: string, env: Environment): ConfigSource {
  const unreadable = (message: string): ConfigSource => ({
    ...parseYaml('', file, env),
    problems: [{ place: file === '' ? '""' : file, path: '', message }],
  });
  try {
    const bytes = readFileSync(file);
    // What is no UTF-8 would be read with replacement characters in the place of what was meant.
    if (!isUtf8(bytes)) return unreadable('is not UTF-8 text; save it as UTF-8');
    return parseYaml(bytes.toString(), file, env);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return unreadable('there is no such file');
    if (code === 'EISDIR') return unreadable('is a folder; name a file');
    return unreadable(`cannot be read: ${messageOf(error)}`);
  }
}

export function parseYaml(text: string, file: string, env: Environment): ConfigSource {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const problems = syntaxProblems(document, text, place);
  const written = new Map<Node, string>();
  const broken = new Set<string>();
  const unresolved: Node[] = [];
  visit(document, {
    Map(_key, map) {
      // The last of equal keys is the one that is looked at further, here as in `toJS`.
      const last = new Map(map.items.map((pair) => [isScalar(pair.key) ? pair.key.value : pair, pair]));
      if (last.size < map.items.length) map.items = [...last.values()];
    },
    Alias(_key, node) {
      if (node.resolve(document) !== undefined) return;
      const message = `is not YAML: there is no anchor before it with this alias's name`;
      problems.push({ place: place(node.range?.[0] ?? 0), path: '', message });
      unresolved.push(node);
    },
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return;
      const before = node.value;
      const start = node.range?.[0] ?? 0;
      const { text: after, replaced, problems: found } = interpolate(before, env);
      // Quoting and folding shift characters, so look for the reference in the source itself.
      const shift = Math.max(0, text.indexOf('${', start) - start - before.indexOf('${'));
      const path = pathText(pathOf(node, ancestors));
      problems.push(...found.map(({ at, message }) => ({ place: place(start + at + shift), path, message })));
      if (found.length > 0) broken.add(path);
      node.value = after;
      if (replaced) written.set(node, before);
    },
  });
  let data: unknown;
  try {
    data = unresolved.length > 0 || isUnreadable(document) ? undefined : toData(document);
  } catch {
    problems.push({ place: file, path: '', message: 'holds aliases that multiply; write out what they stand for' });
  }
  const nodeAt = (path: readonly PropertyKey[]): Node | undefined => {
    const found: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
    return isNode(found) ? found : undefined;
  };
  const placeOf = (path: readonly PropertyKey[]): string => {
    for (let length = path.length; length >= 0; length -= 1) {
      const around = path.slice(0, length);
      const node = nodeAt(around);
      if (node?.range) {
        // What is missing is told at the key of the mapping it is missing from.
        const parent = around.slice(0, -1);
        return length < path.length && length > 0
          ? (keyPlace(document, parent, String(around.at(-1)), place) ?? place(node.range[0]))
          : place(node.range[0]);
      }
    }
    return file;
  };
  return {
    data,
    problems,
    placeOf,
    keyPlaceOf: (path, key) => keyPlace(document, path, key, place) ?? placeOf(path),
    isBroken: (path) => broken.has(path),
    writtenAt: (path) => {
      const node = nodeAt(path);
      return node === undefined ? undefined : written.get(node);
    },
  };
}

/** YAML's own, by the library's code, in words for whoever wrote the file and not for whoever calls the library. */
const SYNTAX: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'holds more than one document; keep what is before `---`',
  RESOURCE_EXHAUSTION: 'is nested too deeply',
};

function isUnreadable(document: Document): boolean {
  return document.errors.some(({ code }) => code !== 'DUPLICATE_KEY');
}

/**
 * Of what is no YAML at all only the first: the rest follows from it. Every duplicate key. Every tag that YAML does not
 * know: the library would take the value as if there were none, and tools that know the tag would not.
 */
function syntaxProblems(document: Document, text: string, place: (offset: number) => string): Problem[] {
  const duplicates = document.errors.filter(({ code }) => code === 'DUPLICATE_KEY');
  const broken = document.errors.find(({ code }) => code !== 'DUPLICATE_KEY');
  const problems = duplicates.map(({ pos }) => ({
    place: place(pos[0]),
    path: '',
    message: 'the key is there twice; keep one of the two',
  }));
  const tags = document.warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED');
  problems.push(
    ...tags.map(({ pos }) => ({ place: place(pos[0]), path: '', message: 'the tag is not known; remove it' })),
  );
  if (broken === undefined) return problems;
  const reference = text.slice(broken.pos[0] - 1, broken.pos[0] + 1) === '${';
  const hint = reference ? ' (inside { } and [ ], a reference must be in quotes: "${NAME}")' : '';
  // The library quotes the source behind a colon or a backslash: it may be a password that should have been in quotes.
  const message = SYNTAX[broken.code] ?? `is not YAML: ${broken.message.replace(/(: | \\).*$/s, '')}${hint}`;
  return [...problems, { place: place(broken.pos[0]), path: '', message }];
}

function pathOf(node: Node, ancestors: readonly unknown[]): PropertyKey[] {
  return ancestors.flatMap((ancestor, index): PropertyKey[] => {
    if (isPair(ancestor)) return isScalar(ancestor.key) ? [String(ancestor.key.value)] : [];
    return isSeq(ancestor) ? [ancestor.items.indexOf(ancestors[index + 1] ?? node)] : [];
  });
}

/** Duplicate keys are told already; here the last one counts, so that the rest can be looked at as well. */
function toData(document: Document): unknown {
  const data: unknown = document.toJS({ maxAliasCount: 100 });
  return data;
}

function keyPlace(
  document: Document,
  path: readonly PropertyKey[],
  key: string,
  place: (offset: number) => string,
): string | undefined {
  const map: unknown = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(map)) return undefined;
  const pair = map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
  return isScalar(pair?.key) && pair.key.range ? place(pair.key.range[0]) : undefined;
}
