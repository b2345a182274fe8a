/**
 * From sealed objects to rows staged in the warehouse: download, export to CSV, COPY. Nothing here is visible to anybody, so
 * it may run ahead of the transaction before it, be repeated, or be thrown away.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { countText } from '../contracts/count-words.ts';
import { fault, isFault } from '../contracts/errors.ts';
import { eachOf } from './each-of.ts';
import type { ExportedRows, LakeFile, LakeFiles } from './ports/lake-files.ts';
import type { ObjectStore } from './ports/object-store.ts';
import type { StagedRows, Warehouse, WarehouseTable } from './ports/warehouse.ts';
import type { LoadBatch } from './load-batch.ts';

/** Objects fetched at a time: enough to hide a round trip, few enough for a small worker. */
const DOWNLOADS = 4;

export interface PreparePorts {
  store: ObjectStore;
  lakeFiles: LakeFiles;
  warehouse: Warehouse;
  /** Folder for temporary files. */
  scratch: string;
}

export interface Prepared {
  batch: LoadBatch;
  /** Records read from the lake. */
  read: number;
  /** Null when the batch holds no rows. */
  staged: StagedRows | null;
}

/**
 * @param except places of rows that are left out
 * @throws Fault ManifestConflict when an object is missing or does not hold the rows that its cut says; RowsRefused
 */
export async function prepareBatch(
  ports: PreparePorts,
  bucket: string,
  table: WarehouseTable,
  batch: LoadBatch,
  signal: AbortSignal,
  except: NonNullable<ExportedRows['except']> = [],
): Promise<Prepared> {
  if (batch.objects.length === 0) return { batch, read: 0, staged: null };
  return await withExport(ports, bucket, table, batch, signal, { except }, async (csv, read) => {
    if (batch.expectedRows !== undefined && read !== batch.expectedRows) {
      throw fault(
        'ManifestConflict',
        `the objects of ${countText(batch.cuts, 'sealed cut')} hold ${countText(read, 'row')}, the manifest says ${batch.expectedRows}: an object of ` +
          `bucket ${bucket} was changed after it was sealed (first: ${batch.objects[0]?.object ?? ''}); restore it`,
      );
    }
    signal.throwIfAborted();
    return { batch, read, staged: await ports.warehouse.stage(table, csv, signal) };
  });
}

/** The batch's last row a key as a CSV file, which is gone when `use` ends. */
export async function withExport<T>(
  ports: PreparePorts,
  bucket: string,
  table: WarehouseTable,
  batch: LoadBatch,
  signal: AbortSignal,
  rows: ExportedRows,
  use: (csv: string, read: number) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(ports.scratch, 'headrace-load-'));
  try {
    const files = await downloadObjects(ports.store, bucket, batch, directory, signal);
    const csv = join(directory, 'rows.csv');
    const { columns, key } = table.shape;
    const { read } = await ports.lakeFiles.exportForLoad(files, columns, key, batch.form.format, csv, {
      ...rows,
      csvNull: ports.warehouse.csvNull,
    });
    return await use(csv, read);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * Fetches objects to numbered files of `directory`, a few at a time.
 * @throws Fault ManifestConflict for an object that the manifest lists and the store does not have
 */
export async function downloadObjects(
  store: ObjectStore,
  bucket: string,
  { objects, form }: Pick<LoadBatch, 'objects' | 'form'>,
  directory: string,
  signal: AbortSignal,
): Promise<LakeFile[]> {
  const files: LakeFile[] = [];
  // All have ended before the caller removes the folder that they write to.
  await eachOf(objects.entries(), DOWNLOADS, async ([index, object]) => {
    signal.throwIfAborted();
    const path = join(directory, `${index}`);
    await download(store, bucket, object.object, path);
    files[index] = { path, form, ...object };
  });
  return files;
}

async function download(store: ObjectStore, bucket: string, name: string, path: string): Promise<void> {
  try {
    await store.download(bucket, name, path);
  } catch (error) {
    // A store that is down is another matter than an object that is gone: only the store itself can tell.
    if ((isFault(error) && !error.retry) || (await store.head(bucket, name)) !== null) throw error;
    throw fault(
      'ManifestConflict',
      `object ${name} is in the manifest, but not in bucket ${bucket}; restore it (a bucket's versions, a backup), or land ` +
        `the topic anew into another dataset`,
      error,
    );
  }
}
