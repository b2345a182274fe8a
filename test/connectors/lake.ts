/** The lake's files for a test file: opened on a scratch folder before its tests, closed and removed after them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { openLakeFiles } from '../../connectors/duckdb/lake-files.ts';
import type { Column, ColumnType } from '../../contracts/columns.ts';

export interface OpenLake {
  lake: Awaited<ReturnType<typeof openLakeFiles>>;
  directory: string;
}

/** To be called once, at the top of the file; what it gives may be used from the first test on. */
export function openLakeForTests(): OpenLake {
  const opened: Partial<OpenLake> = {};
  beforeAll(async () => {
    opened.directory = await mkdtemp(join(tmpdir(), 'headrace-test-'));
    opened.lake = await openLakeFiles({ scratch: opened.directory });
  });
  afterAll(async () => {
    await opened.lake?.close();
    if (opened.directory !== undefined) await rm(opened.directory, { recursive: true });
  });
  return opened as OpenLake;
}

export const column = (name: string, type: ColumnType, sqlType: string, nullable = true): Column => ({
  name,
  type,
  sqlType,
  nullable,
});
