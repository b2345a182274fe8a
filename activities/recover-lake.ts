/** What the lake's objects say: names, metadata, and the schema versions that are kept beside them. Reads only. */
import type { TableShape } from '../contracts/columns.ts';
import { OWN_FOLDER, parseObjectName, prefixOf, schemaName } from '../contracts/manifest.ts';
import { movedPrefix, type PipelineSpec } from '../contracts/pipeline.ts';
import { readMetadata } from '../formats/object-facts.ts';
import { readSchemaBytes } from '../formats/schema-version.ts';
import { eachOf } from './each-of.ts';
import type { ListedObject, ObjectStore } from './ports/object-store.ts';
import type { FoundObject } from './recover-ports.ts';

const LOOKS_AT_ONCE = 16;

export interface FoundLake {
  objects: FoundObject[];
  /** Names of objects whose cut had more than are here. */
  incomplete: string[];
  /** Names of our form without our metadata. */
  unmarked: string[];
  foreign: ListedObject[];
  /** The oldest first. */
  schemas: { version: string; shape: TableShape; since: number }[];
}

export async function readLakeObjects(
  store: ObjectStore,
  { bucket, prefix, afterLoad }: PipelineSpec['lake'],
): Promise<FoundLake> {
  const moved = movedPrefix({ prefix, ...(afterLoad === undefined ? {} : { afterLoad }) });
  const lake: FoundLake = { objects: [], incomplete: [], unmarked: [], foreign: [], schemas: [] };
  // With the slash: `raw/sales` is not `raw/sales_2`. Moved ones first: of two objects of one range the first is taken.
  for (const each of moved === undefined ? [prefix] : [moved, prefix]) {
    for await (const page of store.list(bucket, `${each}/`)) {
      await eachOf(page, LOOKS_AT_ONCE, (listed) => look(store, { bucket, prefix: each }, listed, lake));
    }
  }
  lake.schemas.sort((a, b) => a.since - b.since);
  const { whole, parts } = joinParts(lake.objects, prefix);
  return { ...lake, objects: whole, incomplete: parts };
}

async function look(
  store: ObjectStore,
  { bucket, prefix }: Pick<PipelineSpec['lake'], 'bucket' | 'prefix'>,
  listed: ListedObject,
  lake: FoundLake,
): Promise<void> {
  const { name } = listed;
  if (name.startsWith(`${prefix}/${OWN_FOLDER}/`)) {
    const version = /\/schema\/([0-9a-f]{1,64})\.json$/.exec(name)?.[1];
    if (version === undefined || name !== schemaName(prefix, version)) return;
    const shape = readSchemaBytes((await store.read(bucket, name)) ?? Buffer.alloc(0), version);
    if (shape) lake.schemas.push({ version, shape, since: listed.modifiedAt });
    return;
  }
  const range = parseObjectName(prefix, name);
  if (!range) {
    lake.foreign.push(listed);
    return;
  }
  const found = await store.head(bucket, name);
  const said = found && readMetadata(found.metadata);
  const { bytes } = listed;
  if (said) lake.objects.push({ ...range, ...listed, ...said, parts: [{ name, rows: said.rows, bytes }] });
  else lake.unmarked.push(name);
}

/** One for each cut, from its objects. A cut of several that are not all there is none: the topic may still have its rows. */
function joinParts(objects: readonly FoundObject[], prefix: string): { whole: FoundObject[]; parts: string[] } {
  const cuts = new Map<string, FoundObject[]>();
  for (const object of objects) {
    const { topicId, partition, start, end, extension, inputSha256 } = object;
    const cut = [prefixOf(prefix, object.name), topicId, partition, start, end, extension, inputSha256].join('/');
    cuts.set(cut, [...(cuts.get(cut) ?? []), object]);
  }
  const whole: FoundObject[] = [];
  const parts: string[] = [];
  for (const found of cuts.values()) {
    const [first] = found;
    if (first === undefined || found.length !== (first.objects ?? 1)) parts.push(...found.map(({ name }) => name));
    else whole.push(found.slice(1).reduce(join, first));
  }
  return { whole, parts };
}

function join(a: FoundObject, b: FoundObject): FoundObject {
  const modifiedAt = Math.max(a.modifiedAt, b.modifiedAt);
  return { ...a, rows: a.rows + b.rows, bytes: a.bytes + b.bytes, parts: [...a.parts, ...b.parts], modifiedAt };
}
