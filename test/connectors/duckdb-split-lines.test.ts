/** The encoder's first path: what it takes apart, what it refuses, and that it makes the rows that the JSON path makes. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CutInput } from '../../activities/ports/lake-files.ts';
import { splitLines } from '../../connectors/duckdb/split-lines.ts';
import type { Column, ColumnType } from '../../contracts/columns.ts';
import { bufferedRecord, createCutBuffer } from '../../formats/cut-buffer.ts';
import { LAKE_FORMATS, type LakeFormat } from '../../contracts/pipeline.ts';
import { encoderSettings } from '../../formats/encoder-settings.ts';
import { openLakeForTests } from './lake.ts';

const open = openLakeForTests();

const id: Column = { name: 'id', type: { kind: 'int32' }, nullable: false, sqlType: 'integer' };
const columnsOf = (type: ColumnType, sqlType: string): Column[] => [id, { name: 'v', type, sqlType, nullable: true }];

function inputOf(columns: Column[], values: readonly string[], format: LakeFormat = 'parquet'): CutInput {
  const buffer = createCutBuffer(1);
  values.forEach((value, offset) => buffer.append(bufferedRecord(offset, Buffer.from(value), null)));
  return { ...buffer.content(), columns, key: ['id'], settings: encoderSettings({ format }) };
}

async function rowsOf(input: CutInput): Promise<{ typed: string; lines: string[] }> {
  const { files, bad } = await open.lake.encode(input, open.directory);
  expect(bad).toEqual([]);
  const { columns, records, settings } = input;
  const file = { path: files[0]?.path ?? '', partition: 1, fromOffset: 0, toOffset: records };
  const csv = join(open.directory, 'rows.csv');
  await open.lake.exportForLoad([file], columns, ['id'], settings.format, csv);
  const sums = await open.lake.sumsByChunk([file], columns, settings.format);
  return { typed: String([...sums.values()].map(({ sum }) => sum)), lines: (await readFile(csv, 'utf8')).split('\n') };
}

const split = (input: CutInput) => splitLines(input, Buffer.alloc(input.lines.length));

const TEXTS = [
  '""',
  '" "',
  '"NULL"',
  '"\\\\N"',
  '"a\\tb\\nc\\rd\\r\\n"',
  '"\\"quoted\\" \\\\ \\b\\f"',
  '"é 漢字 😀 \u007f\u2028\ufeff"',
  '","',
  '"}"',
  '"[1,2]"',
];

/** Values in our form. */
const TAKEN: [ColumnType, string, string[]][] = [
  [{ kind: 'int16' }, 'smallint', ['0', '-1', '32767', '-32768', 'null']],
  [{ kind: 'int32' }, 'integer', ['0', '7', '-2147483648', '2147483647', 'null']],
  [
    { kind: 'int64' },
    'bigint',
    ['0', '999999999999999', '-999999999999999', '"1000000000000000"', '"-9223372036854775808"', 'null'],
  ],
  [{ kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)', ['0.00', '-0.01', '9999999999.99', '0.10', 'null']],
  [{ kind: 'decimal', precision: 2, scale: 2 }, 'numeric(2,2)', ['0.00', '-0.99']],
  [{ kind: 'decimal', precision: 5, scale: -2 }, 'numeric(5,-2)', ['0', '-1200', '9999900']],
  [
    { kind: 'decimal', precision: 38, scale: 10 },
    'numeric(38,10)',
    ['"0.0000000001"', '"-9999999999999999999999999999.9999999999"', '"12345678901234567890.1234567890"', 'null'],
  ],
  [{ kind: 'decimal', precision: 50, scale: 3 }, 'numeric(50,3)', ['"1.500"', '"-0.001"', '"NaN"']],
  [{ kind: 'decimal' }, 'numeric', ['"1.500"', '"0"', '"-123456789012345678901234567890.5"', '"NaN"', '"-Infinity"']],
  [{ kind: 'float32' }, 'real', ['0', '1', '-1.5', '3.4028235e+30', '1e-30', '0.1']],
  [{ kind: 'float64' }, 'double precision', ['0', '100', '-1.5', '1.7976931348623157e+290', '5e-290', '0.1', '1e+23']],
  [{ kind: 'boolean' }, 'boolean', ['true', 'false', 'null']],
  [{ kind: 'text' }, 'text', [...TEXTS, 'null']],
  [{ kind: 'text' }, 'character varying(3)', ['"äöü"', '"a\\nb"', '"😀😀😀"', '""', 'null']],
  [{ kind: 'char', length: 3 }, 'character(3)', ['"a  "', '"äöü"', 'null']],
  [{ kind: 'json' }, 'json', ['"{\\"a\\": [1,\\n2]}"', '"null"', '"\\"x\\""', 'null']],
  [{ kind: 'jsonb' }, 'jsonb', ['"{\\"a\\": [1, 2]}"', 'null']],
  [{ kind: 'date' }, 'date', ['"2024-02-29"', '"0001-01-01"', '"9999-12-31"', '"2000-02-29"', '"1900-02-28"', 'null']],
  [{ kind: 'time' }, 'time without time zone', ['"00:00:00"', '"23:59:59.999999"', '"10:00:00.5"', 'null']],
  [
    { kind: 'timestamp' },
    'timestamp without time zone',
    ['"2024-03-01T10:00:00"', '"0001-01-01T00:00:00.000001"', '"9999-12-31T23:59:59.999999"', 'null'],
  ],
  [{ kind: 'timestamp' }, 'timestamp(3) without time zone', ['"2024-03-01T10:00:00.123"', 'null']],
  [
    { kind: 'timestamptz' },
    'timestamp with time zone',
    ['"2024-03-01T10:00:00Z"', '"1969-12-31T23:59:59.999999Z"', '"0001-01-01T00:00:00Z"', 'null'],
  ],
  [{ kind: 'uuid' }, 'uuid', ['"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"', '"ffffffff-ffff-ffff-ffff-ffffffffffff"']],
  [{ kind: 'bytea' }, 'bytea', ['""', '"00"', '"deadbeef"', 'null']],
];

describe.each(TAKEN)('%j %s in our form', (type, sqlType, values) => {
  const columns = columnsOf(type, sqlType);
  const ours = values.map((value, i) => `{"id":${i},"v":${value}}`);
  // One record with a blank, and the whole cut goes by way of JSON.
  const foreign = ours.map((value, i) => (i === 0 ? value.replace(',', ', ') : value));

  it.each(LAKE_FORMATS)('is taken apart, and makes the rows of the JSON path: %s', async (format) => {
    expect(await split(inputOf(columns, ours, format))).not.toBeNull();
    expect(await split(inputOf(columns, foreign, format))).toBeNull();
    const rows = await rowsOf(inputOf(columns, ours, format));
    expect(rows).toEqual(await rowsOf(inputOf(columns, foreign, format)));
    expect(rows.lines.length).toBeGreaterThan(values.length);
  });
});

describe('refused are', () => {
  it.each<[ColumnType, string[]]>([
    [{ kind: 'int32' }, ['', '-', '-0', '00', '01', '1.0', '1e2', '"1"', ' 1', '+1', '1 ', 'nul', 'nullx', 'true']],
    [
      { kind: 'int64' },
      ['"1"', '1000000000000000', '"999999999999999"', '"01000000000000000"', '"1_000_000_000_000_0"'],
    ],
    [
      { kind: 'decimal', precision: 12, scale: 2 },
      ['1', '1.', '1.0', '1.000', '.50', '-0.00', '01.00', '"1.00"', '1e2', '12345678901.00', '"NaN"'],
    ],
    [{ kind: 'decimal', precision: 38, scale: 10 }, ['1.0000000000', '"1.0"', '"-0.0000000000"', '"1.0000000000']],
    [
      { kind: 'float64' },
      [
        '-0',
        '-0.0',
        '1.',
        '.5',
        '01',
        '1e',
        '1e+',
        '1e999',
        '1E5',
        '"NaN"',
        '1.5f',
        '-',
        '123456789012345678901',
        '1e0001',
      ],
    ],
    [{ kind: 'float32' }, ['1e39', '-0e5', '1e-46', '0e5', '12e3', '0.00000000000000000001e-30']],
    [{ kind: 'boolean' }, ['"true"', 'True', 't', '1', 'tru', 'falsee']],
    [
      { kind: 'text' },
      ['x', '"', '"a', '"a"b"', '"a\\"', '"\\/"', '"\\u0001"', '"\\u0041"', '"\u0001"', '"\u001f"', '"a\tb"', '"a\nb"'],
    ],
    [
      { kind: 'date' },
      ['"2023-02-29"', '"1900-02-29"', '"2024-13-01"', '"2024-00-01"', '"2024-04-31"', '"2024-1-01"', '"0000-01-01"'],
    ],
    [{ kind: 'date' }, ['"12024-01-01"', '"infinity"', '"2024-03-01 "', '"2024-03-01 BC"', '2024-03-01', '"2024-03-0']],
    [{ kind: 'time' }, ['"24:00:00"', '"10:60:00"', '"10:00:60"', '"10:00"', '"10:00:00."', '"10:00:00.50"']],
    [{ kind: 'timestamp' }, ['"2024-03-01 10:00:00"', '"2024-03-01T10:00:00Z"', '"2024-03-01T10:00:00.1234567"']],
    [{ kind: 'timestamptz' }, ['"2024-03-01T10:00:00"', '"2024-03-01T10:00:00z"', '"2024-03-01T10:00:00+00"']],
    [{ kind: 'uuid' }, ['"A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"', '"a0eebc999c0b4ef8bb6d6bb9bd380a11"']],
    [{ kind: 'bytea' }, ['"0"', '"0G"', '"AB"', '00']],
    [{ kind: 'array', element: { kind: 'int32' } }, ['[1]', 'null']],
  ])('%j: %j', async (type, values) => {
    for (const value of values) {
      const found = await split(inputOf(columnsOf(type, ''), [`{"id":1,"v":${value}}`]));
      expect([value, found]).toEqual([value, null]);
    }
  });

  it.each([
    '',
    '{}',
    '{"id":1}',
    '{"v":"x","id":1}',
    '{"id":1,"v":"x","w":1}',
    '{"id":1,"v":"x"} ',
    '{"id":1,"v":"x"}}',
    '{"id":1,"v":"x"',
    '{"id":null,"v":"x"}',
    '{"ID":1,"v":"x"}',
    '{"id":1,"v":"x"}\n7\t0\t\t{"id":7,"v":"spoofed"}',
    '\t{"id":1,"v":"x"}',
  ])('the message %j', async (message) => {
    const columns = columnsOf({ kind: 'text' }, 'text');
    const good = '{"id":1,"v":"x"}';
    expect(await split(inputOf(columns, [good]))).not.toBeNull();
    expect(await split(inputOf(columns, [message]))).toBeNull();
    expect(await split(inputOf(columns, [good, message, good]))).toBeNull();
  });
});

it('what only a cast finds too large is bad, and harms no other', async () => {
  const columns = columnsOf({ kind: 'int16' }, 'smallint');
  const input = inputOf(columns, ['{"id":1,"v":1}', '{"id":2,"v":32768}', '{"id":3,"v":3}']);
  expect(await split(input)).not.toBeNull();
  expect(await open.lake.encode(input, open.directory)).toMatchObject({ rows: 2, bad: [{ offset: 1 }] });
});

it('random values come back digit by digit', async () => {
  const columns: Column[] = [
    id,
    { name: 'd', type: { kind: 'decimal', precision: 12, scale: 2 }, nullable: true, sqlType: 'numeric(12,2)' },
    { name: 'w', type: { kind: 'decimal', precision: 30, scale: 7 }, nullable: true, sqlType: 'numeric(30,7)' },
    { name: 'b', type: { kind: 'int64' }, nullable: true, sqlType: 'bigint' },
    { name: 't', type: { kind: 'timestamp' }, nullable: true, sqlType: 'timestamp without time zone' },
  ];
  const digits = (count: number) => Array.from({ length: count }, () => Math.floor(Math.random() * 10)).join('');
  const rows = Array.from({ length: 5000 }, (_, i) => {
    const whole = (most: number) => String(BigInt(digits(1 + (i % most))));
    const sign = i % 3 === 0 ? '-1' : '';
    const at = new Date(Math.random() * 2 * 8e13 - 6e13).toISOString().slice(0, 19);
    const micros = digits(6).replace(/0+$/, '');
    return [
      `${sign}${whole(9)}.${digits(2)}`,
      `${sign}${whole(21)}.${digits(7)}`,
      `${sign}${whole(17)}`,
      `${at}${micros === '' ? '' : `.${micros}`}`,
    ] as const;
  });
  const values = rows.map(([d, w, b, t], i) => {
    const big = b.replace('-', '').length > 15 ? `"${b}"` : b;
    return `{"id":${i},"d":${d},"w":"${w}","b":${big},"t":"${t}"}`;
  });
  const input = inputOf(columns, values);
  expect(await split(input)).not.toBeNull();
  const { lines } = await rowsOf(input);
  expect(lines.slice(0, -1)).toEqual(rows.map((row, i) => `${i},${row.join(',').replace('T', ' ')}`));
});
