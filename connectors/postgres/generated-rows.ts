/**
 * Generated rows into tables by COPY. Guarantees: rows and the note of how far they go (headrace.generated) are one transaction,
 * and so are the tables' making and the note's beginning.
 */
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import type { Fate, FoundTable, GeneratedTables, Lines } from '../../activities/ports/generated-tables.ts';
import { GENERATED_MARK } from '../../contracts/generate.ts';
import type { PostgresSettings } from '../../contracts/settings.ts';
import type { Field, Output } from '../../generators/model.ts';
import type { Counts, Identity } from '../../generators/ports.ts';
import { quoteIdent, quoteLiteral, quoteTable } from '../../formats/sql-names.ts';
import { openPool } from './pool.ts';
import { warehouseFault, withClient } from './warehouse-session.ts';

const NOTE_DDL = `CREATE SCHEMA IF NOT EXISTS headrace;
CREATE TABLE IF NOT EXISTS headrace.generated (
  profile  text PRIMARY KEY,
  identity json NOT NULL, -- not jsonb: the order of keys is kept
  counts   json NOT NULL,
  at       bigint NOT NULL,
  seq      bigint NOT NULL,
  changed  timestamptz NOT NULL DEFAULT now()
)`;

const SQL_TYPES: Readonly<Record<Field['type'], string>> = {
  text: 'text',
  whole: 'int',
  big: 'bigint',
  money: 'numeric(12,2)',
  number: 'numeric',
  flag: 'boolean',
  time: 'timestamptz',
  second: 'timestamptz',
  json: 'jsonb',
};

export function openGeneratedTables(settings: PostgresSettings, profile: string): GeneratedTables {
  const pool = openPool(settings, 'generate', 2);
  const what = `generating ${profile} rows`;

  return {
    async find() {
      return await withClient(pool, what, async (client) => {
        const there = await client.query<{ there: boolean }>(
          "SELECT to_regclass('headrace.generated') IS NOT NULL AS there",
        );
        if (there.rows[0]?.there !== true) return null;
        const { rows } = await client.query<{ identity: Identity; counts: Counts; at: string; seq: string }>(
          'SELECT identity, counts, at::text, seq::text FROM headrace.generated WHERE profile = $1',
          [profile],
        );
        const note = rows[0];
        return note === undefined ? null : { ...note, at: Number(note.at), seq: Number(note.seq) };
      });
    },
    async begin({ identity, outputs, fateOf }) {
      return await withClient(pool, what, async (client) => {
        await client.query('BEGIN');
        await client.query(NOTE_DDL);
        for (const output of outputs) await ensure(client, output, fateOf);
        const { rows } = await client.query<{ seq: string }>(
          `INSERT INTO headrace.generated VALUES ($1, $2, '{}', $3, 1)
           ON CONFLICT (profile) DO UPDATE SET identity = $2, counts = '{}', at = $3, seq = generated.seq + 1, changed = now()
           RETURNING seq::text`,
          [profile, JSON.stringify(identity), identity.start],
        );
        await client.query('COMMIT');
        return Number(rows[0]?.seq);
      });
    },
    async missing(outputs) {
      return await withClient(pool, what, async (client) => {
        const { rows } = await client.query<{ name: string }>(
          'SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NULL',
          [outputs.map(({ table }) => quoteTable(table))],
        );
        return rows.map(({ name }) => name);
      });
    },
    async write(lines, { seq, counts, at }) {
      return await withClient(pool, what, async (client) => {
        await client.query('BEGIN');
        // Before the rows: a second generator waits here, and is then told so, not that its keys are there already.
        const { rowCount } = await client.query(
          'UPDATE headrace.generated SET counts = $3, at = $4, seq = seq + 1, changed = now() WHERE profile = $1 AND seq = $2',
          [profile, seq, JSON.stringify(counts), at],
        );
        const isOurs = rowCount === 1;
        if (isOurs) for (const each of lines) await copy(client, each);
        await client.query(isOurs ? 'COMMIT' : 'ROLLBACK');
        return isOurs;
      });
    },
    async analyze(outputs) {
      await withClient(pool, what, async (client) => {
        for (const { table } of outputs) await client.query(`ANALYZE ${quoteTable(table)}`);
      });
    },
    close: () => pool.end(),
  };
}

async function copy(client: pg.PoolClient, { output: { table, fields }, bytes }: Lines): Promise<void> {
  const columns = fields.map(({ name }) => quoteIdent(name)).join(', ');
  const stream = client.query(copyFrom(`COPY ${quoteTable(table)} (${columns}) FROM STDIN`));
  stream.end(bytes);
  try {
    await finished(stream);
  } catch (error) {
    throw warehouseFault(error, `copying rows into ${quoteTable(table)}`);
  }
}

async function ensure(client: pg.PoolClient, output: Output, fateOf: (found: FoundTable) => Fate): Promise<void> {
  const name = quoteTable(output.table);
  const { rows } = await client.query<{ comment: string | null }>(
    "SELECT obj_description(to_regclass($1), 'pg_class') AS comment WHERE to_regclass($1) IS NOT NULL",
    [name],
  );
  const found = rows[0];
  if (found !== undefined) {
    const ours = found.comment?.startsWith(GENERATED_MARK) === true;
    const filled = (await client.query(`SELECT FROM ${name} LIMIT 1`)).rowCount !== 0;
    if (fateOf({ name, ours, filled }) === 'keep') return;
    await client.query(`DROP TABLE ${name}`);
  }
  const lines = output.fields.map(
    (field) => `  ${quoteIdent(field.name)} ${SQL_TYPES[field.type]}${field.nullable === true ? '' : ' NOT NULL'}`,
  );
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${quoteIdent(output.table.schema)}`);
  await client.query(
    `CREATE TABLE ${name} (\n${lines.join(',\n')},\n  PRIMARY KEY (${output.key.map(quoteIdent).join(', ')})\n)`,
  );
  await client.query(`COMMENT ON TABLE ${name} IS ${quoteLiteral(GENERATED_MARK)}`);
}
