/**
 * Generated rows into tables by COPY. Guarantees: rows and the note of how far they go (headrace.generated) are one transaction,
 * and the note moves by compare and set, so that a second generator of the same profile fails instead of doubling rows.
 */
import { finished } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { fault } from '../../contracts/errors.ts';
import type { PostgresSettings } from '../../contracts/settings.ts';
import type { Emission, Field, Output } from '../../generators/model.ts';
import type { Counts, Found, Identity, Sink } from '../../generators/ports.ts';
import { quoteIdent, quoteLiteral, quoteTable } from '../../formats/sql-names.ts';
import { openPool } from './pool.ts';
import { warehouseFault, withClient } from './warehouse-session.ts';

export interface GeneratedRowsOptions {
  settings: PostgresSettings;
  profile: string;
  encoder: (output: Output) => (row: Emission['row']) => string;
  /** Empty the tables of an earlier run first. */
  replace: boolean;
}

const NOTE_DDL = `CREATE SCHEMA IF NOT EXISTS headrace;
CREATE TABLE IF NOT EXISTS headrace.generated (
  profile  text PRIMARY KEY,
  identity json NOT NULL, -- not jsonb: the order of keys is kept
  counts   json NOT NULL,
  at       bigint NOT NULL,
  seq      bigint NOT NULL,
  changed  timestamptz NOT NULL DEFAULT now()
)`;
/** The mark of a table that is ours to empty. */
const COMMENT = 'made by headrace generate';
/** A transaction: large enough for COPY to run at its speed, small enough to hold in memory twice. */
const FULL_BYTES = 8 * 1024 * 1024;

interface Target {
  output: Output;
  encode: (row: Emission['row']) => string;
  lines: string;
  count: number;
}

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

export function openGeneratedRows({ settings, profile, encoder, replace }: GeneratedRowsOptions): Sink {
  const pool = openPool(settings, 'generate', 2);
  const targets = new Map<Output, Target>();
  let seq = 0;
  let waiting = 0;
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
        if (note === undefined) return null;
        seq = Number(note.seq);
        return { identity: note.identity, counts: note.counts, at: Number(note.at) } satisfies Found;
      });
    },
    async begin(identity, outputs, from) {
      await withClient(pool, what, async (client) => {
        await client.query('BEGIN');
        await client.query(NOTE_DDL);
        for (const output of outputs) await ensure(client, output, from === null, replace);
        if (from === null) {
          await client.query(
            `INSERT INTO headrace.generated VALUES ($1, $2, '{}', $3, $4)
             ON CONFLICT (profile) DO UPDATE SET identity = $2, counts = '{}', at = $3, seq = generated.seq + 1, changed = now()`,
            [profile, JSON.stringify(identity), identity.start, seq + 1],
          );
        }
        const { rows } = await client.query<{ seq: string }>(
          'SELECT seq::text FROM headrace.generated WHERE profile = $1',
          [profile],
        );
        seq = Number(rows[0]?.seq);
        await client.query('COMMIT');
      });
      for (const output of outputs) {
        targets.set(output, { output, encode: encoder(output), lines: '', count: from?.counts[output.name] ?? 0 });
      }
    },
    add({ output, row }) {
      const target = targets.get(output);
      if (!target) throw fault('Unexpected', `there is no table for ${output.name}`);
      const line = target.encode(row);
      target.lines += line;
      target.count += 1;
      waiting += line.length;
    },
    full: () => waiting >= FULL_BYTES,
    async flush(at) {
      const each = [...targets.values()];
      const parts = each.filter(({ lines }) => lines !== '').map(({ output, lines }) => ({ output, lines }));
      const counts = Object.fromEntries(each.map(({ output, count }) => [output.name, count]));
      for (const target of each) target.lines = '';
      waiting = 0;
      await withClient(pool, what, async (client) => {
        await client.query('BEGIN');
        for (const { output, lines } of parts) await copy(client, output, lines);
        const { rowCount } = await client.query(
          'UPDATE headrace.generated SET counts = $3, at = $4, seq = seq + 1, changed = now() WHERE profile = $1 AND seq = $2',
          [profile, seq, JSON.stringify(counts), at],
        );
        if (rowCount !== 1) {
          throw fault('Fenced', `${what}: another generator of ${profile} writes to this database; end one of the two`);
        }
        await client.query('COMMIT');
        seq += 1;
      });
    },
    async finish() {
      await withClient(pool, what, async (client) => {
        for (const { output } of targets.values()) await client.query(`ANALYZE ${quoteTable(output.table)}`);
      });
    },
    close: () => pool.end(),
  };
}

async function copy(client: pg.PoolClient, { table, fields }: Output, lines: string): Promise<void> {
  const columns = fields.map(({ name }) => quoteIdent(name)).join(', ');
  const stream = client.query(copyFrom(`COPY ${quoteTable(table)} (${columns}) FROM STDIN`));
  stream.end(Buffer.from(lines));
  try {
    await finished(stream);
  } catch (error) {
    throw warehouseFault(error, `copying rows into ${quoteTable(table)}`);
  }
}

/** The table is there, is ours, and is empty where a run begins anew. */
async function ensure(client: pg.PoolClient, output: Output, anew: boolean, replace: boolean): Promise<void> {
  const name = quoteTable(output.table);
  const { rows } = await client.query<{ comment: string | null }>(
    "SELECT obj_description(to_regclass($1), 'pg_class') AS comment WHERE to_regclass($1) IS NOT NULL",
    [name],
  );
  const found = rows[0];
  if (found !== undefined && anew) {
    const ours = found.comment?.startsWith(COMMENT) === true;
    const filled = (await client.query(`SELECT FROM ${name} LIMIT 1`)).rowCount !== 0;
    if (filled && !(ours && replace)) {
      const remedy = ours
        ? 'go on with --resume, or empty it with --replace'
        : 'and was not made by headrace generate: rename it, or use another database';
      throw fault('TableUnsuited', `table ${name} is there with rows; ${remedy}`);
    }
    if (ours) await client.query(`DROP TABLE ${name}`);
    else return; // an empty one of the user's own is filled as it is
  }
  if (found !== undefined && !anew) return;
  const lines = output.fields.map(
    (field) => `  ${quoteIdent(field.name)} ${SQL_TYPES[field.type]}${field.nullable === true ? '' : ' NOT NULL'}`,
  );
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${quoteIdent(output.table.schema)}`);
  await client.query(
    `CREATE TABLE ${name} (\n${lines.join(',\n')},\n  PRIMARY KEY (${output.key.map(quoteIdent).join(', ')})\n)`,
  );
  await client.query(`COMMENT ON TABLE ${name} IS ${quoteLiteral(COMMENT)}`);
}
