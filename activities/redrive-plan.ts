/**
 * Which keys a re-drive of dead letters reads from the source again. Letters are claimed before the plan is stored, and the
 * plan is what counts: what is claimed later is not among its keys. A claim whose replay nobody runs any more is given back,
 * after that replay was stopped for good: so no letter is re-driven by two.
 */
import type { ColumnType, Key, TableShape } from '../contracts/columns.ts';
import { isFault } from '../contracts/errors.ts';
import { datasetOf, type PipelineSpec } from '../contracts/pipeline.ts';
import { type RedriveRequest, workflowIds } from '../contracts/temporal.ts';
import type { ClaimedLetter, Letters } from './ports/letters.ts';
import type { Source, SourceTable } from './ports/source.ts';
import { takeOver, type TurnPorts } from './replay-turn.ts';

/** Letters a re-drive: their keys are part of each of its statements. What is left is for the next one. */
const LETTERS_MOST = 10_000;

export type RedrivePorts = Omit<TurnPorts, 'topics'> & { letters: Letters };

/**
 * Claims open letters and gives their keys, each once. Letters whose key is none of the table's are given up again: they
 * stay open, to be discarded.
 */
export async function claimKeys(
  ports: RedrivePorts,
  { spec, replayId, redrive }: { spec: PipelineSpec; replayId: string; redrive: RedriveRequest },
  source: Source,
  table: SourceTable,
): Promise<Key[]> {
  const { letters } = ports;
  const dataset = datasetOf(spec.lake);
  for (const holder of await letters.claimants(dataset)) if (holder !== replayId) await giveBack(ports, spec, holder);
  const claimed = await letters.claim(dataset, replayId, redrive.letters ?? null, LETTERS_MOST);
  const read = claimed.map((letter) => ({ letter, key: keyOf(letter, table.shape) }));
  const keys = new Map(read.flatMap(({ key }) => (key === null ? [] : [[JSON.stringify(key), key] as const])));
  if (!(await fits(source, table, [...keys.values()]))) {
    for (const [text, key] of keys) if (!(await fits(source, table, [key]))) keys.delete(text);
  }
  const unfit = read.filter(({ key }) => key === null || !keys.has(JSON.stringify(key)));
  if (unfit.length > 0)
    await letters.unclaim(
      replayId,
      unfit.map(({ letter }) => letter),
    );
  return [...keys.values()];
}

/** What a dead replay claimed is free again, once it can publish nothing more. */
async function giveBack(ports: RedrivePorts, spec: PipelineSpec, holder: string): Promise<void> {
  const { state, workflowId } = await ports.replays.get(holder);
  if (state === 'published') {
    await ports.letters.redriven(holder);
    return;
  }
  if (await ports.isWorkflowOpen(workflowId)) return;
  // A run plans before its replay's workflow begins.
  if (await ports.isWorkflowOpen(workflowIds.run(spec.name, holder))) return;
  await takeOver(ports, holder);
  await ports.letters.unclaim(holder);
}

/** The key's values as the source takes them, in key order; null where the record's key is none of the table's. */
export function keyOf({ key }: Pick<ClaimedLetter, 'key'>, { columns, key: names }: TableShape): Key | null {
  const object = parsed(key);
  if (object === null || Object.keys(object).length !== names.length) return null;
  const values = names.map((name) => {
    const value = Object.hasOwn(object, name) ? object[name] : undefined;
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null;
    return printed(columns.find((column) => column.name === name)?.type.kind, value);
  });
  return values.every((value) => value !== null && !value.includes('\0')) ? (values as string[]) : null;
}

/** A value of a key's JSON (formats/key-json.ts) as PostgreSQL prints it, which is what sources take. */
function printed(kind: ColumnType['kind'] | undefined, value: string | number | boolean): string {
  switch (kind) {
    case 'bytea':
      return `\\x${String(value)}`;
    case 'boolean':
      return String(value).slice(0, 1);
    case 'timestamp':
    case 'timestamptz':
      return String(value).replace('T', ' ').replace(/Z$/, '+00');
    default:
      return String(value);
  }
}

function parsed(key: Buffer | null): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(key?.toString('utf8') ?? 'null');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null; // not JSON: a record of somebody else's
  }
}

/** Whether the source can be asked for these keys: a text for a number is an error there. */
async function fits(source: Source, table: SourceTable, keys: readonly Key[]): Promise<boolean> {
  try {
    await source.upperKey(table, keys);
    return true;
  } catch (error) {
    if (isFault(error) && error.code !== 'Unexpected') throw error;
    return false;
  }
}
