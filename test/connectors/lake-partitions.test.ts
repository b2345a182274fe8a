/** A cut dealt to partition folders: each row in one file, all of them read back; folders' names for whatever a value is. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { objectName, parseObjectName } from '../../contracts/manifest.ts';
import { LAKE_FORMATS, type LakeLayout } from '../../contracts/pipeline.ts';
import { bufferedRecord, createCutBuffer } from '../../formats/cut-buffer.ts';
import { encoderSettings } from '../../formats/encoder-settings.ts';
import { MAX_FOLDERS_A_CUT, NO_VALUE, partitionFaults, partitionFolder } from '../../formats/partition-folder.ts';
import { column, openLakeForTests } from './lake.ts';

const open = openLakeForTests();

const COLUMNS = [
  column('id', { kind: 'int64' }, 'bigint', false),
  column('parts', { kind: 'text' }, 'text'),
  column('at', { kind: 'timestamptz' }, 'timestamp with time zone'),
  column('on day', { kind: 'date' }, 'date'),
];
const DAY = '2024-03-31T00:30:00Z';

async function encode(
  values: readonly Record<string, unknown>[],
  layout: Omit<LakeLayout, 'format'>,
  format = 'parquet',
) {
  const buffer = createCutBuffer(3);
  for (const [offset, value] of values.entries()) {
    const row = JSON.stringify({ id: offset, parts: null, at: null, 'on day': null, ...value });
    buffer.append(bufferedRecord(offset, Buffer.from(row), null));
  }
  const settings = encoderSettings({ ...layout, format: format as LakeLayout['format'] });
  return open.lake.encode({ ...buffer.content(), columns: COLUMNS, key: ['id'], settings }, open.directory);
}

describe.each(LAKE_FORMATS)('a cut by text and day, as %s', (format) => {
  const layout = {
    partitionBy: [{ column: 'parts' }, { column: 'at', by: 'day' as const }],
    timeZone: 'Europe/Berlin',
  };
  const values = ['US', 'DE', null, '', '..', 'a/b=c', '😀', 'US', NO_VALUE].map((parts, i) => ({
    parts,
    at: i % 2 === 0 ? DAY : '2024-03-30T22:59:59.999999Z',
  }));

  it('has each row in one file, in the topic’s order', async () => {
    const encoded = await encode(values, layout, format);
    expect(encoded).toMatchObject({ rows: values.length, bad: [] });
    expect(encoded.files.map(({ folder, rows }) => [folder, rows])).toEqual([
      ['parts=%5F_HIVE_DEFAULT_PARTITION__/at_day=2024-03-31/', 1],
      ['parts=%F0%9F%98%80/at_day=2024-03-31/', 1],
      ['parts=../at_day=2024-03-31/', 1],
      ['parts=DE/at_day=2024-03-30/', 1],
      ['parts=US/at_day=2024-03-30/', 1],
      ['parts=US/at_day=2024-03-31/', 1],
      [`parts=${NO_VALUE}/at_day=2024-03-30/`, 1],
      [`parts=${NO_VALUE}/at_day=2024-03-31/`, 1],
      ['parts=a%2Fb%3Dc/at_day=2024-03-30/', 1],
    ]);
    const form = encoderSettings({ format });
    const files = encoded.files.map(({ path }) => ({
      path,
      form,
      partition: 3,
      fromOffset: 0,
      toOffset: values.length,
    }));
    const back = await Promise.all(files.map((file) => open.lake.firstRows(file, COLUMNS, 100)));
    const found = back.flat().sort((a, b) => Number(a['id']) - Number(b['id']));
    expect(found.map(({ parts }) => parts)).toEqual(values.map(({ parts }) => parts));
    const whole = await encode(values, {}, format);
    const one = whole.files.map(({ path }) => ({ path, form, partition: 3, fromOffset: 0, toOffset: values.length }));
    expect(await open.lake.sumsByChunk(files, COLUMNS, format)).toEqual(
      await open.lake.sumsByChunk(one, COLUMNS, format),
    );
  });
});

it('parts by year, month and hour, in UTC unless told otherwise; what a column cannot hold has no value', async () => {
  const by = (part: 'year' | 'month' | 'hour') => ({ column: 'at', by: part });
  const folders = async (at: string) =>
    (await encode([{ at }], { partitionBy: [by('year'), by('month'), by('hour')] })).files.map(({ folder }) => folder);
  expect(await folders(DAY)).toEqual(['at_year=2024/at_month=2024-03/at_hour=2024-03-31-00/']);
  expect(await folders('infinity')).toEqual([`at_year=${NO_VALUE}/at_month=${NO_VALUE}/at_hour=${NO_VALUE}/`]);
});

it('refuses a cut of too many partitions, and says what to do', async () => {
  const values = Array.from({ length: MAX_FOLDERS_A_CUT + 1 }, (_, i) => ({ parts: `p${i}` }));
  await expect(encode(values, { partitionBy: [{ column: 'parts' }] })).rejects.toMatchObject({
    code: 'ConfigInvalid',
    message: expect.stringMatching(/more than 200 partitions by parts.*coarser/s) as string,
  });
  expect((await encode(values.slice(1), { partitionBy: [{ column: 'parts' }] })).files).toHaveLength(MAX_FOLDERS_A_CUT);
});

it('names folders so that any text has one of its own, in ASCII and without a slash', () => {
  const fields = [{ column: 'c' }];
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: 'binary', minLength: 1 }), (a, b) => {
      const [one, other] = [partitionFolder(fields, [a]), partitionFolder(fields, [b])];
      expect(one).toMatch(/^c=[A-Za-z0-9._%~-]{1,80}\/$/);
      if (Buffer.compare(Buffer.from(a), Buffer.from(b)) !== 0) expect(one).not.toBe(other);
      const name = objectName('raw/t', 'id', 0, 0, 5, 'csv.gz', one);
      expect(parseObjectName('raw/t', name)?.folder).toBe(one);
    }),
  );
  const long = (text: string) => partitionFolder(fields, [text.repeat(500)]);
  expect(long('é')).toMatch(/^c=(%C3%A9)+~[0-9a-f]{16}\/$/);
  expect(long('é')).not.toBe(long('éé'));
});

it('tells which fields a table cannot be parted by', () => {
  const shape = { columns: [...COLUMNS, column('f', { kind: 'float64' }, 'double precision')], key: ['id'] };
  const partitionBy = [
    { column: 'nobody' },
    { column: 'f' },
    { column: 'at' },
    { column: 'on day', by: 'hour' as const },
    { column: 'parts', by: 'day' as const },
  ];
  expect(partitionFaults({ partitionBy }, shape)).toEqual([
    expect.stringMatching(/^lake.partitionBy: nobody: the table has no column "nobody"$/) as string,
    expect.stringMatching(/double precision; allowed are text/) as string,
    expect.stringMatching(/part it by year\(\)/) as string,
    expect.stringMatching(/a date has no hour; use day\(\)/) as string,
    expect.stringMatching(/day\(\) is for dates and timestamps/) as string,
  ]);
  expect(partitionFaults({ partitionBy: [{ column: 'on day', by: 'day' }, { column: 'id' }] }, shape)).toEqual([]);
});
