/**
 * Generated rows into tables, whatever the database. Guarantees: the note of how far the rows go moves with them by compare
 * and set (activities/ports/generated-tables.ts), so that a second generator of the same profile fails instead of doubling
 * rows; and a table that was not made here is neither emptied nor mixed with ours.
 */
import { fault } from '../contracts/errors.ts';
import { createLineBytes, type LineBytes } from '../formats/line-bytes.ts';
import type { Emission, Output } from '../generators/model.ts';
import type { Sink } from '../generators/ports.ts';
import type { Fate, FoundTable, GeneratedTables } from './ports/generated-tables.ts';

export interface GeneratedRowsOptions {
  profile: string;
  tables: GeneratedTables;
  encoder: (output: Output) => (row: Emission['row']) => string;
  /** Empty the tables of an earlier run first. */
  replace: boolean;
}

/** A transaction: large enough for COPY to run at its speed, small enough to hold in memory twice. */
const FULL_BYTES = 8 * 1024 * 1024;

interface Target {
  output: Output;
  encode: (row: Emission['row']) => string;
  lines: LineBytes;
  count: number;
}

export function openGeneratedRows({ profile, tables, encoder, replace }: GeneratedRowsOptions): Sink {
  const targets = new Map<Output, Target>();
  let seq = 0;

  return {
    async find() {
      const note = await tables.find();
      seq = note?.seq ?? 0;
      return note;
    },
    async begin(identity, outputs, from) {
      if (from === null) {
        seq = await tables.begin({ identity, outputs, fateOf: (found) => fateOf(found, replace) });
      } else {
        const missing = await tables.missing(outputs);
        if (missing.length > 0) {
          throw fault(
            'TableMissing',
            `what was generated into ${missing.join(', ')} is gone, so there is nothing to go on behind; begin anew with --replace`,
          );
        }
      }
      for (const output of outputs) {
        const count = from?.counts[output.name] ?? 0;
        targets.set(output, { output, encode: encoder(output), lines: createLineBytes(), count });
      }
    },
    add({ output, row }) {
      const target = targets.get(output);
      if (!target) throw fault('Unexpected', `there is no table for ${output.name}`);
      target.lines.add(target.encode(row));
      target.count += 1;
    },
    full() {
      let waiting = 0;
      for (const { lines } of targets.values()) waiting += lines.size();
      return waiting >= FULL_BYTES;
    },
    async flush(at) {
      const each = [...targets.values()];
      const all = each.map(({ output, lines }) => ({ output, bytes: lines.take() }));
      const lines = all.filter(({ bytes }) => bytes.length > 0);
      const counts = Object.fromEntries(each.map(({ output, count }) => [output.name, count]));
      if (!(await tables.write(lines, { seq, counts, at }))) {
        throw fault(
          'Fenced',
          `generating ${profile} rows: another generator of ${profile} writes to this database; end one of the two`,
        );
      }
      seq += 1;
    },
    finish: () => tables.analyze([...targets.keys()]),
    close: () => tables.close(),
  };
}

/** An empty table of the user's own is filled as it is; one of ours is made again, for another version may have made it. */
function fateOf({ name, ours, filled }: FoundTable, replace: boolean): Fate {
  if (filled && !(ours && replace)) {
    const remedy = ours
      ? 'go on with --resume, or empty it with --replace'
      : 'and was not made by headrace generate: rename it, or use another database';
    throw fault('TableUnsuited', `table ${name} is there with rows; ${remedy}`);
  }
  return ours ? 'make' : 'keep';
}
