/** `headrace lake show FILE`: the lake's first rows. */
import type { LakeRowsLook } from '../../contracts/lake-look.ts';
import type { CommonOptions } from '../common-options.ts';
import { lakesOf } from '../lakes.ts';
import { createOutput, tableText } from '../output.ts';

export interface LakeShowOptions extends CommonOptions {
  limit: number;
  object?: string;
  reader: LakeRowsLook['reader'];
}

/** Of a value, in a terminal's line; --json has all of it. */
const SHOWN_CHARACTERS = 60;

export async function runLakeShow(file: string, options: LakeShowOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const { settings, specs, many } = await lakesOf(file, options, output, { readsObjects: true });
  const { readLakeRows } = await import('../../workers/lake-look.ts');
  const { limit, object, reader } = options;
  const looks: LakeRowsLook[] = [];
  let left = limit;
  // An object's name begins with its lake's prefix.
  for (const spec of specs.filter(({ lake }) => !many || object?.startsWith(`${lake.prefix}/`) !== false)) {
    if (left === 0) break;
    const look = await readLakeRows(settings, spec, {
      limit: left,
      reader,
      ...(object === undefined ? {} : { object }),
    });
    left -= look.rows.length;
    looks.push(look);
  }
  output.result(many ? { lakes: looks } : looks[0], () => looks.map(rowsText).join('\n\n'));
}

function rowsText({ dataset, rows, objects }: LakeRowsLook): string {
  if (rows.length === 0) return `lake ${dataset} has no rows yet`;
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => names.map((name) => shown(row[name] ?? null)));
  return [tableText(names, lines), ...objects.map((name) => `from ${name}`)].join('\n');
}

/** NULL as nothing would be taken for an empty text. */
function shown(value: string | null): string {
  if (value === null) return 'NULL';
  const line = value.replaceAll(/[\u0000-\u001f\u007f]/g, (found) => JSON.stringify(found).slice(1, -1));
  return line.length <= SHOWN_CHARACTERS ? line : `${line.slice(0, SHOWN_CHARACTERS)}…`;
}
