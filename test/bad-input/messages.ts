/**
 * Records that a foreign or a broken producer may write to the topic of a table (id bigint not null, name text). Each becomes
 * a dead letter with its exact bytes and such a reason, or, where it is odd but right, a row.
 */
import type { Entry } from './entry.ts';

export interface BadMessage extends Entry {
  input: {
    value: Buffer | string | null;
    key?: Buffer | null;
    /** Absent: ours, naming the replay. REPLAY stands for its id. */
    headers?: readonly (readonly [name: string, value: Buffer | string])[];
  };
}

/** Odd but right: what is landed of it. */
export interface OddMessage extends BadMessage {
  lands: { id: number; name: string | null };
}

const bad = (name: string, value: Buffer | string | null, ...says: string[]): BadMessage => ({
  name,
  input: { value },
  says,
});
const headed = (name: string, headers: BadMessage['input']['headers'] & object, ...says: string[]): BadMessage => ({
  name,
  input: { value: '{"id":7,"name":"x"}', headers },
  says,
});
const odd = (name: string, value: string, id: number, text: string | null): OddMessage => ({
  ...bad(name, value),
  lands: { id, name: text },
});
const named = (name: string): string => `{"id":7,"name":${name}}`;
const numbered = (id: string): string => `{"id":${id},"name":"x"}`;

const DEEP = 100_000;
const MEGABYTE = 1_000_000;
const NO_HEADER = 'no header headrace: not written by a replay';
const NOT_JSON = 'not JSON';
const ID = 'column "id"';
const NAME = 'column "name"';

export const BAD_MESSAGES: readonly BadMessage[] = [
  bad('a tombstone', null, 'no value'),
  { ...bad('a tombstone with a key', null, 'no value'), input: { value: null, key: Buffer.from('{"id":7}') } },
  bad('a blank', ' ', NOT_JSON),
  bad('line breaks', '\r\n\r\n', NOT_JSON),
  bad('a tab', '\t', NOT_JSON),
  bad('a NUL', '\0', NOT_JSON),
  bad('a text', 'hello', NOT_JSON),
  bad('half an object', '{"id":7,"name":"x"', NOT_JSON),
  bad('half a string', '{"id":7,"name":"x', NOT_JSON),
  bad('half an escape', '{"id":7,"name":"x\\', NOT_JSON),
  bad('half a word', '{"id":7,"name":nul', NOT_JSON),
  bad('two objects', '{"id":7,"name":"x"}{"id":8,"name":"y"}', NOT_JSON),
  bad('two objects on two lines', '{"id":7,"name":"x"}\n{"id":8,"name":"y"}', NOT_JSON),
  bad('a line that passes for another record', '{"id":7,"name":"x"}\n9\t0\t\t{"id":9,"name":"spoofed"}', NOT_JSON),
  bad('a trailing comma', '{"id":7,"name":"x",}', NOT_JSON),
  bad('a comment', '{"id":7,/* */"name":"x"}', NOT_JSON),
  bad('quotes of JavaScript', "{'id':7,'name':'x'}", NOT_JSON),
  bad('names without quotes', '{id:7,name:"x"}', NOT_JSON),
  bad('a BOM', '\ufeff{"id":7,"name":"x"}', NOT_JSON),
  bad('a raw line break in a string', '{"id":7,"name":"a\nb"}', NOT_JSON),
  bad('a raw NUL in a string', '{"id":7,"name":"a\0b"}', NOT_JSON),
  bad('bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'UTF-8'),
  bad('Latin-1 in a string', Buffer.from('{"id":7,"name":"\xe9"}', 'latin1'), 'UTF-8'),
  bad(
    'UTF-8 that is too long',
    Buffer.concat([Buffer.from('{"id":7,"name":"'), Buffer.from([0xc0, 0x80]), Buffer.from('"}')]),
    'UTF-8',
  ),
  bad(
    'a surrogate in UTF-8',
    Buffer.concat([Buffer.from('{"id":7,"name":"'), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from('"}')]),
    'UTF-8',
  ),
  bad('UTF-16', Buffer.from('{"id":7,"name":"x"}', 'utf16le'), 'JSON'),
  bad('gzip', Buffer.from('1f8b0800000000000003ab564a2c2d5152b2', 'hex'), 'UTF-8'),
  bad('Avro with its magic byte', Buffer.from('00000000010e0278', 'hex'), 'JSON'),
  bad('a list', '[7,"x"]', 'not a JSON object'),
  bad('a number', '7', 'not a JSON object'),
  bad('null', 'null', 'not a JSON object'),
  bad('an empty object', '{}', ID, 'must not be NULL'),
  bad('a missing key', '{"name":"x"}', ID, 'must not be NULL'),
  bad('a key that is null', numbered('null'), ID, 'must not be NULL'),
  bad('a name too many', '{"id":7,"name":"x","more":1}', '"more" is no column'),
  bad('a name in capitals', '{"ID":7,"name":"x"}', '"ID" is no column'),
  bad('a name of the lineage', '{"id":7,"name":"x","_offset":1}', '"_offset" is no column'),
  bad('__proto__ for a name', '{"id":7,"name":"x","__proto__":{}}', '"__proto__" is no column'),
  bad('a name twice', '{"id":7,"name":"x","name":"y"}', 'comes twice'),
  bad('a key twice', '{"id":7,"id":8,"name":"x"}', 'comes twice'),
  bad('a name twice, once by escapes', '{"id":7,"name":"x","n\\u0061me":"y"}', 'comes twice'),
  bad('Debezium’s envelope', '{"before":null,"after":{"id":7,"name":"x"},"op":"c"}', 'is no column'),
  bad('a key as a list', numbered('[7]'), ID),
  bad('a key as an object', numbered('{"v":7}'), ID),
  bad('a key as a truth', numbered('true'), ID),
  bad('a key with a fraction', numbered('7.5'), ID),
  bad('a key beyond bigint', numbered('9223372036854775808'), ID),
  bad('a key below bigint', numbered('-9223372036854775809'), ID),
  bad('a key of 400 digits', numbered('9'.repeat(400)), ID),
  bad('a key in hex', numbered('0x7'), NOT_JSON),
  bad('a key with zeros before', numbered('007'), NOT_JSON),
  bad('a key with a plus', numbered('+7'), NOT_JSON),
  bad('NaN', numbered('NaN'), NOT_JSON),
  bad('Infinity', numbered('Infinity'), NOT_JSON),
  bad('a key as words', numbered('"seven"'), ID),
  bad('a key as an empty text', numbered('""'), ID),
  bad('a number for a text', named('5'), NAME),
  bad('an object for a text', named('{"a":1}'), NAME),
  bad('a NUL by its escape', named('"a\\u0000b"'), NAME),
  bad('half a surrogate', named('"\\ud800"'), NAME),
  bad('surrogates the wrong way round', named('"\\udc00\\ud800"'), NAME),
  bad('an escape that is none', named('"\\x41"'), NOT_JSON),
  bad('an escape of three digits', named('"\\u12"'), NOT_JSON),
  bad('lists in one another', named('['.repeat(DEEP) + ']'.repeat(DEEP)), ''),
  bad('lists that do not end', '['.repeat(DEEP), ''),
  bad('objects in one another', '{"id":'.repeat(DEEP) + '7' + '}'.repeat(DEEP), ''),
  bad('nine megabytes that do not end', `{"id":7,"name":"${'x'.repeat(9 * MEGABYTE)}`, NOT_JSON),
  bad('five megabytes of blanks', ' '.repeat(5 * MEGABYTE), NOT_JSON),
  bad('five megabytes of bytes', Buffer.alloc(5 * MEGABYTE, 0xfe), 'UTF-8'),
  bad('five megabytes of line breaks', '\n'.repeat(5 * MEGABYTE), NOT_JSON),
  headed('no header', [], NO_HEADER),
  headed('another header', [['trace', 'x']], NO_HEADER),
  headed('our header, empty', [['headrace', '']], NO_HEADER),
  headed('our header in capitals', [['HEADRACE', 'schema-1;0;REPLAY']], NO_HEADER),
  headed('our header without its parts', [['headrace', 'REPLAY']], NO_HEADER),
  headed('our header with a chunk in words', [['headrace', 'schema-1;first;REPLAY']], NO_HEADER),
  headed('our header with a chunk below nothing', [['headrace', 'schema-1;-1;REPLAY']], NO_HEADER),
  headed('our header with a line break', [['headrace', 'schema-1;0;a\nb']], NO_HEADER),
  headed('our header in bytes', [['headrace', Buffer.from([0xff, 0x00, 0x3b])]], NO_HEADER),
  headed(
    'our header, forged',
    [['headrace', 'schema-1;0;nobody']],
    'names replay nobody, which is none of this dataset',
  ),
  headed('our header, forged with SQL', [['headrace', "schema-1;0;x' OR true --"]], "names replay x' OR true --"),
  headed('our header, of __proto__', [['headrace', 'schema-1;0;__proto__']], 'names replay __proto__'),
  headed('a schema that is not known', [['headrace', 'schema-9;0;REPLAY']], 'schema-9'),
];

export const ODD_MESSAGES: readonly OddMessage[] = [
  odd('blanks everywhere', ' {\t"id" :\r\n501 , "name":"x" } ', 501, 'x'),
  odd('the columns in another order', '{"name":"x","id":502}', 502, 'x'),
  odd('a column that may be NULL left out', '{"id":503}', 503, null),
  odd('every letter by its escape', '{"\\u0069d":504,"name":"\\u0078"}', 504, 'x'),
  odd('a surrogate pair by escapes', '{"id":505,"name":"\\ud83d\\ude00"}', 505, '😀'),
  odd('a key as digits in quotes', '{"id":"506","name":"x"}', 506, 'x'),
  odd('the text null', '{"id":507,"name":"null"}', 507, 'null'),
  odd('five megabytes in one value', `{"id":508,"name":"${'é'.repeat(2_500_000)}"}`, 508, 'é'.repeat(2_500_000)),
  odd('line breaks and tabs by escapes', '{"id":509,"name":"a\\nb\\tc"}', 509, 'a\nb\tc'),
];
