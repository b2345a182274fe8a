/**
 * What lake and warehouse are compared by, where the lake holds records of several schema versions: the columns that all of
 * them have with one type. The replay's own records are compared with the source, and chunk by chunk, in full.
 *
 * (Rejected: reading what an older version lacks as NULL. A load leaves such a column of an existing row as it is, so the
 * warehouse rightly holds something else.)
 */
import type { Column, TableShape } from '../contracts/columns.ts';
import { datasetOf } from '../contracts/pipeline.ts';
import type { LoadStore } from './ports/load-store.ts';
import type { PublishedReplay } from './ports/verify.ts';

/** Null where nothing can be compared: CSV of several versions is read by place, and the keys must be one. */
export async function comparedShape(loads: LoadStore, replay: PublishedReplay): Promise<TableShape | null> {
  const { shape, schemaVersion, spec } = replay;
  const dataset = datasetOf(spec.lake);
  const versions = await loads.sealedSchemas(dataset, replay.topicId);
  const others = versions.filter((version) => version !== schemaVersion);
  if (others.length === 0) return shape;
  if (spec.lake.format === 'csv') return null;
  const shapes = await Promise.all(others.map((version) => loads.schema(dataset, version)));
  const columns = commonColumns(shape.columns, shapes);
  const sameKeys = shapes.every((other) => JSON.stringify(other.key) === JSON.stringify(shape.key));
  return sameKeys && shape.key.every((name) => columns.some((column) => column.name === name))
    ? { columns, key: shape.key }
    : null;
}

function commonColumns(columns: readonly Column[], others: readonly TableShape[]): Column[] {
  const same = (a: Column, b: Column): boolean =>
    a.name === b.name && JSON.stringify(a.type) === JSON.stringify(b.type);
  return columns.filter((column) => others.every((other) => other.columns.some((each) => same(each, column))));
}
