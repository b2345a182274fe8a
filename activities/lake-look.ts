/** Looks at the lake by its manifest: what it holds, and the first rows. Nobody lists the bucket for it. Changes nothing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fault } from '../contracts/errors.ts';
import type { LakeLook, LakeObjectLook, LakePartitionLook, LakeRowsLook } from '../contracts/lake-look.ts';
import { type FileForm, parseObjectName, prefixOf } from '../contracts/manifest.ts';
import { datasetOf, type LandingSpec } from '../contracts/pipeline.ts';
import { cutsOf, fetchObjects } from './verify-fetch.ts';
import type { LakeFiles, ShownRow } from './ports/lake-files.ts';
import type { LoadStore, SealedCut } from './ports/load-store.ts';
import type { ObjectStore } from './ports/object-store.ts';

export interface ShowPorts {
  loads: LoadStore;
  store: ObjectStore;
  readers: Readonly<Record<LakeRowsLook['reader'], LakeFiles['firstRows']>>;
  scratch: string;
}

interface FoundObject extends LakeObjectLook {
  cut: SealedCut;
  form: FileForm;
}

export async function lookAtLake(loads: LoadStore, spec: LandingSpec): Promise<LakeLook> {
  const { found, expiredRows } = await objectsOf(loads, spec);
  const partitions = new Map<string, LakePartitionLook>();
  for (const { topic, topicId, partition, folder, rows, bytes, start, end } of found) {
    const place = JSON.stringify([topicId, folder, partition]);
    const known = partitions.get(place) ?? {
      topic,
      topicId,
      partition,
      folder,
      objects: 0,
      rows: 0,
      bytes: 0,
      start,
      end,
    };
    partitions.set(place, {
      ...known,
      objects: known.objects + 1,
      rows: known.rows + rows,
      bytes: known.bytes + bytes,
      end,
    });
  }
  const sum = (what: 'rows' | 'bytes'): number => found.reduce((all, each) => all + each[what], 0);
  return {
    pipeline: spec.name,
    dataset: datasetOf(spec.lake),
    rows: sum('rows'),
    bytes: sum('bytes'),
    expiredRows,
    partitions: [...partitions.values()],
    objects: found.map(({ cut: _cut, form: _form, ...object }) => object),
  };
}

async function objectsOf(loads: LoadStore, spec: LandingSpec): Promise<{ found: FoundObject[]; expiredRows: number }> {
  const dataset = datasetOf(spec.lake);
  const found: FoundObject[] = [];
  let expiredRows = 0;
  for (const { topic, topicId, partitions } of await loads.topics(dataset)) {
    for (const { partition } of partitions) {
      for (const cut of await cutsOf(loads, dataset, topicId, partition)) {
        const { start, end, schemaVersion, form } = cut;
        if (cut.expired) expiredRows += cut.rows;
        for (const { name, rows, bytes = cut.bytes } of cut.objects) {
          const folder = parseObjectName(prefixOf(spec.lake.prefix, name), name)?.folder ?? '';
          const sealedAt = new Date(cut.sealedAt).toISOString();
          const { format } = form;
          found.push({
            ...{ topic, topicId, partition, folder, name, rows, bytes, format, schemaVersion, start, end, sealedAt },
            ...{ cut, form },
          });
        }
      }
    }
  }
  return { found, expiredRows };
}

/**
 * @param object name of the only one to read
 * @throws Fault ConfigInvalid for an object that no sealed cut names, or that the reader cannot read; ManifestConflict for one
 *   that is gone from the store
 */
export async function showRows(
  { loads, store, readers, scratch }: ShowPorts,
  spec: LandingSpec,
  { limit, object, reader }: { limit: number; object?: string; reader: LakeRowsLook['reader'] },
): Promise<LakeRowsLook> {
  const { bucket } = spec.lake;
  const dataset = datasetOf(spec.lake);
  const { found: all } = await objectsOf(loads, spec);
  const wanted = object === undefined ? all : all.filter(({ name }) => name === object);
  if (object !== undefined && wanted.length === 0) {
    throw fault(
      'ConfigInvalid',
      `no sealed cut of ${dataset} names object ${object}; headrace lake ls --files lists them`,
    );
  }
  const read: string[] = [];
  const rows: ShownRow[] = [];
  const directory = await mkdtemp(join(scratch, 'headrace-show-'));
  try {
    for (const { cut, form, name } of wanted) {
      if (rows.length >= limit) break;
      const one = { ...cut, objects: [{ name, rows: cut.rows }] };
      const [file] = await fetchObjects(store, bucket, [one], directory, new AbortController().signal);
      if (!file || file.missing) {
        throw fault('ManifestConflict', `object ${name} is in the manifest, but not in bucket ${bucket}; restore it`);
      }
      const { columns } = await loads.schema(dataset, cut.schemaVersion ?? '');
      const { partition, start: fromOffset, end: toOffset } = cut;
      const place = { path: file.path, partition, fromOffset, toOffset, object: name, form };
      rows.push(...(await readers[reader](place, columns, limit - rows.length)));
      read.push(name);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return { pipeline: spec.name, dataset, reader, objects: read, rows };
}
