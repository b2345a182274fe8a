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

export interface ComparedShape {
  /** Null where nothing can be compared, as the versions' keys are not one. */
  shape: TableShape | null;
  /** By schema version of the lake's cuts. */
  schemas: ReadonlyMap<string, TableShape>;
}

export async function comparedShape(loads: LoadStore, replay: PublishedReplay): Promise<ComparedShape> {
  const dataset = datasetOf(replay.spec.lake);
  const versions = await loads.sealedSchemas(dataset, replay.topicId);
  const others = versions.filter((version) => version !== replay.schemaVersion);
  const shapes = await Promise.all(others.map((version) => loads.schema(dataset, version)));
  const schemas = new Map([
    [replay.schemaVersion, replay.shape],
    ...others.map((version, place) => [version, shapes[place] ?? replay.shape] as const),
  ]);
  return { shape: sharedShape(replay.shape, shapes), schemas };
}

function sharedShape(shape: TableShape, shapes: readonly TableShape[]): TableShape | null {
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
