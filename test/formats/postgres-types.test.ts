import { describe, expect, it } from 'vitest';
import { keyRefusal, mapPostgresType, warehouseType, type PgType } from '../../formats/postgres-types.ts';

const type = (oid: number, name: string, more: Partial<PgType> = {}): PgType => ({
  oid,
  name,
  schema: 'pg_catalog',
  typtype: 'b',
  base: 0,
  basemod: -1,
  element: 0,
  ...more,
});
const types = new Map(
  [
    type(20, 'int8'),
    type(1700, 'numeric'),
    type(1231, '_numeric', { element: 1700 }),
    type(1186, 'interval'),
    type(1042, 'bpchar'),
    type(1043, 'varchar'),
    type(1184, 'timestamptz'),
    type(22, 'int2vector'),
    type(90, 'mood', { schema: 'My"Schema', typtype: 'e' }),
    type(91, '_mood', { schema: 'My"Schema', element: 90 }),
    type(92, 'price', { schema: 'public', typtype: 'd', base: 1700, basemod: ((10 << 16) | 2) + 4 }),
    type(93, 'fine_price', { schema: 'public', typtype: 'd', base: 92 }),
    type(94, '_fine_price', { schema: 'public', element: 93 }),
    type(95, 'text', { schema: 'public' }),
    type(96, '_interval', { element: 1186 }),
  ].map((row) => [row.oid, row]),
);

describe('mapPostgresType', () => {
  it.each([
    [20, -1, 'int64', 'bigint'],
    [1042, 7, 'char', 'character(3)'],
    [1043, -1, 'text', 'character varying'],
    [1043, 24, 'text', 'character varying(20)'],
    [1184, 3, 'timestamptz', 'timestamp(3) with time zone'],
    [90, -1, 'text', '"My""Schema"."mood"'],
    [91, -1, 'array', '"My""Schema"."mood"[]'],
    [94, -1, 'array', 'numeric(10,2)[]'],
  ])('%i, %i', (oid, typmod, kind, sqlType) => {
    expect(mapPostgresType(oid, typmod, types)).toMatchObject({ ok: { type: { kind }, sqlType } });
  });

  it.each([
    [((12 << 16) | 2) + 4, { kind: 'decimal', precision: 12, scale: 2 }],
    [((5 << 16) | (-2 & 0x7ff)) + 4, { kind: 'decimal', precision: 5, scale: -2 }],
    [((1000 << 16) | 1000) + 4, { kind: 'decimal', precision: 1000, scale: 1000 }],
    [-1, { kind: 'decimal' }],
  ])('numeric with modifier %i', (typmod, expected) => {
    const mapped = mapPostgresType(1700, typmod, types);
    expect('ok' in mapped && mapped.ok.type).toEqual(expected);
  });

  it.each([
    [1186, /interval is not supported/],
    [96, /array: type interval/],
    [22, /int2vector/],
    [95, /type text is not supported/], // a stranger's type that is only called so
    [4711, /4711/],
  ])('refuses %i', (oid, reason) => {
    const mapped = mapPostgresType(oid, -1, types);
    expect('error' in mapped ? mapped.error : '').toMatch(reason);
  });
});

it('gives enums as text in the warehouse, all else as in the source', () => {
  expect(warehouseType({ kind: 'text' }, '"public"."mood"')).toBe('text');
  expect(warehouseType({ kind: 'array', element: { kind: 'text' } }, '"public"."mood"[]')).toBe('text[]');
  expect(warehouseType({ kind: 'text' }, 'character varying(20)')).toBe('character varying(20)');
  expect(warehouseType({ kind: 'decimal', precision: 12, scale: 2 }, 'numeric(12,2)')).toBe('numeric(12,2)');
});

it('refuses keys whose equal values can be written differently', () => {
  expect(keyRefusal({ kind: 'jsonb' })).toMatch(/jsonb/);
  expect(keyRefusal({ kind: 'array', element: { kind: 'text' } })).toMatch(/array/);
  expect(keyRefusal({ kind: 'decimal' })).toBeNull();
});
