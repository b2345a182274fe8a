/**
 * Foreign and hostile records in a real topic, each between good ones: every bad one is a dead letter with its exact bytes,
 * key and headers and the reason, every good one is landed, and the offsets of both together are all there are.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDataset, openSetting, type LakeRow, type Setting, type TestDataset } from '../land/setting.ts';
import { row, type TestRecord } from '../land/topic-writer.ts';
import { namesOf } from './entry.ts';
import { BAD_MESSAGES, ODD_MESSAGES } from './messages.ts';

interface Letter {
  offset: number;
  key: Buffer | null;
  value: Buffer | null;
  headers: [string, string][];
  reason: string;
}

const MESSAGES = [...BAD_MESSAGES, ...ODD_MESSAGES];
const GOOD_FROM = 10_000;
let setting: Setting;
let dataset: TestDataset;
let landed: Map<number, LakeRow>;
let letters: Map<number, Letter>;

/** The i-th message is at offset 2i + 1, between good ones. */
const offsetOf = (index: number): number => 2 * index + 1;
const bytesOf = (text: string | Buffer): Buffer =>
  typeof text === 'string' ? Buffer.from(text.replace('REPLAY', dataset.replay)) : text;

function recordOf({ input }: (typeof MESSAGES)[number]): TestRecord {
  const headers = input.headers?.map(([name, value]) => ({ [name]: bytesOf(value) }));
  return { partition: 0, key: input.key ?? null, value: input.value, ...(headers ? { headers } : {}) };
}

beforeAll(async () => {
  setting = await openSetting();
  dataset = await openDataset(setting, { partitions: 1, rotate: { records: 40 } });
  const records = MESSAGES.flatMap((message, i) => [row(0, GOOD_FROM + i), recordOf(message)]);
  await dataset.writer.commit([...records, row(0, GOOD_FROM + MESSAGES.length)]);
  await dataset.land();
  landed = new Map((await dataset.rows()).map((found) => [found.offset, found]));
  const rows = await setting.query(
    `SELECT offset_::int AS offset, record_key AS key, record_value AS value, headers, reason
       FROM headrace.dead_letter WHERE dataset = $1`,
    [dataset.dataset],
  );
  letters = new Map(rows.map((found) => [Number(found.offset), found as unknown as Letter]));
});
afterAll(() => setting.close());

describe('a dead letter', () => {
  test.each(BAD_MESSAGES.map((message, index) => ({ ...message, index })))('$name', ({ index, input, says }) => {
    const letter = letters.get(offsetOf(index));
    if (!letter) throw new Error('it is no dead letter');
    const wanted = input.value === null ? null : bytesOf(input.value);
    // Not toEqual: it would print megabytes.
    expect(letter.value?.length).toBe(wanted?.length);
    expect(wanted === null || letter.value?.equals(wanted)).toBe(true);
    expect(letter.key).toEqual(input.key ?? null);
    if (input.headers) {
      const headers = input.headers.map(([name, value]) => [name, bytesOf(value).toString('base64')]);
      expect(letter.headers).toEqual(headers);
    }
    for (const words of says) expect(letter.reason).toContain(words);
    expect(letter.reason.length).toBeGreaterThan(5);
    expect(letter.reason.length).toBeLessThan(500);
  });
});

describe('a row all the same', () => {
  test.each(ODD_MESSAGES.map((message, i) => ({ ...message, index: BAD_MESSAGES.length + i })))(
    '$name',
    ({ index, lands }) => {
      const found = landed.get(offsetOf(index));
      expect(found?.id).toBe(lands.id);
      expect(found?.name === lands.name).toBe(true);
    },
  );
});

test('nothing is lost, and nothing is both: every offset is a row or a letter', () => {
  expect(namesOf(MESSAGES).size).toBe(MESSAGES.length);
  const all = [...landed.keys(), ...letters.keys()].sort((a, b) => a - b);
  expect(all).toEqual(Array.from({ length: 2 * MESSAGES.length + 1 }, (_, offset) => offset));
  for (let i = 0; i <= MESSAGES.length; i++) expect(landed.get(2 * i)?.id).toBe(GOOD_FROM + i);
});
