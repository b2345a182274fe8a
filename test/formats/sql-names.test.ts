import { describe, expect, it } from 'vitest';
import { parseTableName, quoteIdent, quoteLiteral, quoteTable } from '../../formats/sql-names.ts';

describe('parseTableName', () => {
  it.each([
    ['public.product_sales', 'public', 'product_sales'],
    ['Product_Sales', 'public', 'product_sales'],
    ['`Shop`.`Odd ``Name`', 'Shop', 'Odd `Name'],
    ['public."Odd ""Name"""', 'public', 'Odd "Name"'],
    ['"My.Schema" . "a.b"', 'My.Schema', 'a.b'],
    ['s.tab$1', 's', 'tab$1'],
    ['s.Größe', 's', 'größe'],
    ['s.ÄB', 's', 'Äb'],
  ])('%s', (text, schema, table) => {
    expect(parseTableName(text)).toEqual({ ok: { schema, table } });
  });

  it.each(['', '.', 'a.', '.a', 'a.b.c', 'a b', '"open', '""', 'a."', '1a', 'a;drop', 'a.b--', `"${'x'.repeat(64)}"`])(
    'refuses %j',
    (text) => {
      const parsed = parseTableName(text);
      expect('error' in parsed && parsed.error).toMatch(/./);
    },
  );

  it('round-trips what quoteTable writes', () => {
    const name = { schema: 'Sch"ema', table: "t'able.\\ 😀" };
    expect(parseTableName(quoteTable(name))).toEqual({ ok: name });
  });
});

it('quotes', () => {
  expect(quoteIdent('a"b')).toBe('"a""b"');
  expect(quoteLiteral("a'b")).toBe("'a''b'");
  expect(quoteLiteral("a\\'b")).toBe(" E'a\\\\''b'");
});
