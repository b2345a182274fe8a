/**
 * Takes a JSON object apart without losing what JSON.parse loses: the digits of numbers, and a name that comes twice.
 * For the few records that the encoder's fast path does not take; strict (RFC 8259), as JSON.parse checks the text first.
 */
export type JsonToken =
  | { kind: 'null' | 'true' | 'false' | 'object' }
  /** `text`: a number's as written, a string's decoded. */
  | { kind: 'number' | 'string'; text: string }
  | { kind: 'array'; items: JsonToken[] };

export type ScannedObject = { fields: Map<string, JsonToken> } | { bad: string };

/** Arrays in arrays; PostgreSQL has at most six dimensions. */
const MAX_DEPTH = 32;

export function scanObject(text: string): ScannedObject {
  try {
    JSON.parse(text);
  } catch (error) {
    return { bad: `not JSON: ${error instanceof Error ? error.message.slice(0, 200) : ''}` };
  }
  const cursor = { text, at: 0 };
  skipBlanks(cursor);
  if (text[cursor.at] !== '{') return { bad: 'not a JSON object' };
  const fields = new Map<string, JsonToken>();
  cursor.at++;
  for (skipBlanks(cursor); text[cursor.at] !== '}'; skipBlanks(cursor)) {
    if (text[cursor.at] === ',') {
      cursor.at++;
      skipBlanks(cursor);
    }
    const name = readString(cursor);
    if (fields.has(name)) return { bad: `the name ${JSON.stringify(name)} comes twice` };
    skipBlanks(cursor);
    cursor.at++; // the colon
    const token = readValue(cursor, 0);
    if (!token) return { bad: `field ${JSON.stringify(name)}: arrays are nested deeper than ${MAX_DEPTH}` };
    fields.set(name, token);
  }
  return { fields };
}

interface Cursor {
  text: string;
  at: number;
}

const BLANK = /[ \t\n\r]*/y;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function skipBlanks(cursor: Cursor): void {
  BLANK.lastIndex = cursor.at;
  BLANK.test(cursor.text);
  cursor.at = BLANK.lastIndex;
}

/** The text is known to be JSON. Null where it is nested too deep. */
function readValue(cursor: Cursor, depth: number): JsonToken | null {
  skipBlanks(cursor);
  const { text } = cursor;
  switch (text[cursor.at]) {
    case '"':
      return { kind: 'string', text: readString(cursor) };
    case 'n':
      cursor.at += 4;
      return { kind: 'null' };
    case 't':
      cursor.at += 4;
      return { kind: 'true' };
    case 'f':
      cursor.at += 5;
      return { kind: 'false' };
    case '{':
      skipObject(cursor);
      return { kind: 'object' };
    case '[':
      return readArray(cursor, depth);
    default: {
      NUMBER.lastIndex = cursor.at;
      const start = cursor.at;
      NUMBER.test(text);
      cursor.at = NUMBER.lastIndex;
      return { kind: 'number', text: text.slice(start, cursor.at) };
    }
  }
}

function readArray(cursor: Cursor, depth: number): JsonToken | null {
  if (depth >= MAX_DEPTH) return null;
  const items: JsonToken[] = [];
  cursor.at++;
  for (skipBlanks(cursor); cursor.text[cursor.at] !== ']'; skipBlanks(cursor)) {
    if (cursor.text[cursor.at] === ',') cursor.at++;
    const item = readValue(cursor, depth + 1);
    if (!item) return null;
    items.push(item);
  }
  cursor.at++;
  return { kind: 'array', items };
}

function readString(cursor: Cursor): string {
  const start = cursor.at;
  skipString(cursor);
  return JSON.parse(cursor.text.slice(start, cursor.at)) as string;
}

function skipString(cursor: Cursor): void {
  cursor.at++;
  while (cursor.text[cursor.at] !== '"') cursor.at += cursor.text[cursor.at] === '\\' ? 2 : 1;
  cursor.at++;
}

/** Over brackets and strings, without recursion: a foreign object may be nested as deep as it likes. */
function skipObject(cursor: Cursor): void {
  let depth = 0;
  do {
    const character = cursor.text[cursor.at];
    if (character === '"') {
      skipString(cursor);
      continue;
    }
    if (character === '{') depth++;
    if (character === '}') depth--;
    cursor.at++;
  } while (depth > 0);
}
