/** Which existing types take a source's values unchanged. */
import { expect, it } from 'vitest';
import { fits } from '../../connectors/postgres/warehouse-fit.ts';

it.each([
  ['smallint', 'bigint'],
  ['integer', 'integer'],
  ['character varying(20)', 'text'],
  ['character varying(20)', 'character varying(21)'],
  ['text', 'character varying'],
  ['numeric(12,2)', 'numeric'],
  ['numeric(12,2)', 'numeric(14,2)'],
  ['timestamp(3) without time zone', 'timestamp without time zone'],
  ['character(5)', 'character(6)'],
  ['integer[]', 'bigint[]'],
])('%s goes into %s', (wanted, found) => {
  expect(fits(wanted, found)).toBe(true);
});

it.each([
  ['bigint', 'integer'],
  ['integer', 'numeric'],
  ['text', 'character varying(20)'],
  ['character varying(20)', 'character varying(19)'],
  ['numeric', 'numeric(38,10)'],
  ['numeric(12,2)', 'numeric(11,2)'],
  ['numeric(12,2)', 'numeric(14,4)'],
  ['real', 'double precision'],
  ['json', 'jsonb'],
  ['json', 'text'],
  ['timestamp with time zone', 'timestamp without time zone'],
  ['timestamp without time zone', 'timestamp(3) without time zone'],
  ['character(5)', 'character(4)'],
  ['uuid', 'text'],
  ['integer[]', 'integer'],
  ['text', 'text[]'],
])('%s does not go into %s', (wanted, found) => {
  expect(fits(wanted, found)).toBe(false);
});
