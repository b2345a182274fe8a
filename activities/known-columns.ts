/** A source's columns against those that earlier replays of its pipeline had. Changes nothing. */
import type { TableShape } from '../contracts/columns.ts';
import { fault } from '../contracts/errors.ts';
import { datasetOf, type PipelineSpec } from '../contracts/pipeline.ts';
import type { Replays } from './ports/replays.ts';

type Schemas = Pick<Replays, 'newestSchema'>;

/**
 * A list of columns is for a topic and a table that never had more: an upsert would leave the others' old values in its rows.
 * @throws Fault ConfigInvalid
 */
export async function checkColumns(replays: Schemas, spec: PipelineSpec, shape: TableShape): Promise<void> {
  if (spec.source.columns === undefined) return;
  const left = await missingOf(replays, spec, shape);
  if (left.length === 0) return;
  throw fault(
    'ConfigInvalid',
    `source.columns leaves out ${left.map((name) => `"${name}"`).join(', ')}, which earlier replays into topic ${spec.topic.name} had: ` +
      'rows of the warehouse would keep old values there; add them, or give this list a topic, a lake prefix and a warehouse table of its own',
  );
}

/** @returns columns that the newest of the earlier replays had, and the source has no more: dropped, or renamed */
export async function goneColumns(replays: Schemas, spec: PipelineSpec, shape: TableShape): Promise<string[]> {
  return spec.source.columns === undefined ? await missingOf(replays, spec, shape) : [];
}

async function missingOf(replays: Schemas, { lake }: PipelineSpec, { columns }: TableShape): Promise<string[]> {
  const newest = await replays.newestSchema(datasetOf(lake));
  const names = newest?.columns.map(({ name }) => name) ?? [];
  return names.filter((name) => !columns.some((column) => column.name === name));
}
