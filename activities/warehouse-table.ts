/** The warehouse table as a pipeline's load mode wants it: the one place that turns settings into what the port is asked for. */
import type { TableShape } from '../contracts/columns.ts';
import type { PipelineSpec } from '../contracts/pipeline.ts';
import type { ReplayScope } from '../contracts/replay.ts';
import type { TableOwner, WarehouseTable } from './ports/warehouse.ts';

/** @param shape of the source */
export function warehouseTable({ warehouse }: PipelineSpec, shape: TableShape): WarehouseTable {
  const { table: name, mode, schemaChange } = warehouse;
  return {
    name,
    // A row a record: the source's key comes again with every replay, so that there it is no key.
    shape: mode === 'append' ? { ...shape, key: [] } : shape,
    ...(schemaChange === 'add' ? { addColumns: true } : {}),
  };
}

/** What the load mode does not allow, of the rows that a replay reads. */
export function scopeFaults({ warehouse }: PipelineSpec, scope: ReplayScope, redrive = false): string[] {
  if (warehouse.mode !== 'replace' || (Object.keys(scope).length === 0 && !redrive)) return [];
  return [
    'warehouse.mode is replace, which takes a reading of the whole table: a part of it would delete all other rows; ' +
      `${redrive ? 'run the pipeline again instead of the redrive' : 'leave window, filter and limit out'}, or say mode: upsert`,
  ];
}

export function ownerOf({ name, topic }: PipelineSpec): TableOwner {
  return { pipeline: name, topic: topic.name };
}
