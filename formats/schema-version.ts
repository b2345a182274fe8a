/**
 * The fingerprint of a table's shape that every record carries. Records of one version can be read with one list of
 * columns; a change of a name, a type, nullability, the order or the key makes another version.
 */
import { createHash } from 'node:crypto';
import type { ColumnType, TableShape } from '../contracts/columns.ts';

/** 16 hex digits: short in a header, and two shapes of one table do not meet by chance. */
const DIGITS = 16;

export function schemaVersion(shape: TableShape): string {
  const facts = {
    columns: shape.columns.map(({ name, type, nullable, sqlType }) => [name, typeFacts(type), nullable, sqlType]),
    key: shape.key,
  };
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, DIGITS);
}

/** In a fixed order, so that the fingerprint does not hang on how the object was put together. */
function typeFacts(type: ColumnType): unknown[] {
  switch (type.kind) {
    case 'decimal':
      return [type.kind, type.precision ?? null, type.scale ?? null];
    case 'char':
      return [type.kind, type.length];
    case 'array':
      return [type.kind, typeFacts(type.element)];
    default:
      return [type.kind];
  }
}

/** A shape as it is kept in the lake. */
export function schemaBytes(shape: TableShape): Buffer {
  return Buffer.from(JSON.stringify(shape));
}

/** Null where the bytes are no shape of this version: damaged, or somebody else's. */
export function readSchemaBytes(bytes: Buffer, version: string): TableShape | null {
  try {
    const shape = JSON.parse(bytes.toString('utf8')) as TableShape;
    return schemaVersion(shape) === version ? shape : null;
  } catch {
    return null;
  }
}
