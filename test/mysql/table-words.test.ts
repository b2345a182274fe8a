import { expect, test } from 'vitest';
import { tableWordsOf } from '../../workers/databases.ts';

const name = { schema: 's', table: 'odd`"name' };

test.each([
  ['postgres://u@h/d', '"s"."odd`""name"', 'CREATE INDEX ON "s"."odd`""name" ("at")'],
  ['mysql://u@h/d', '`s`.`odd``"name`', 'ALTER TABLE `s`.`odd``"name` ADD INDEX (`at`)'],
])('a table of %s is shown in its own server’s SQL', (url, table, indexSql) => {
  expect(tableWordsOf({ url }, name, 'at')).toEqual({ table, indexSql });
});
