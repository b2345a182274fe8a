/** A load in a process of its own, which kills itself with SIGKILL after the named step, or is killed from outside. */
import { tmpdir } from 'node:os';
import { loadSealed } from '../../activities/load-sealed.ts';
import type { StagedRows } from '../../activities/ports/warehouse.ts';
import { openLakeFiles } from '../../connectors/duckdb/lake-files.ts';
import { openReaderWith } from '../../connectors/kafka/reader.ts';
import { openLoadStore } from '../../connectors/postgres/load-store.ts';
import { openManifest } from '../../connectors/postgres/manifest-store.ts';
import { openPool } from '../../connectors/postgres/pool.ts';
import { openReplacements } from '../../connectors/postgres/replacement-store.ts';
import { openVerifyStore } from '../../connectors/postgres/verify-store.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import { openWarehouse } from '../../workers/databases.ts';
import { database, required } from './services.ts';
import { idlePulse, openTestStore } from './test-lake.ts';

export interface ChildTask {
  spec: PipelineSpec;
  /** Names the warehouse's address. */
  variable: string;
  dieAfter: 'staging' | 'commit' | null;
}

const { spec, variable, dieAfter } = JSON.parse(process.argv[2] ?? '') as ChildTask;
const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
};
const control = openPool(database('CONTROL_URL'), 'test', 4);
const warehouse = openWarehouse({ url: required(variable) });
async function dying<T>(work: () => Promise<T>): Promise<T> {
  if (dieAfter === 'staging') await die();
  const done = await work();
  if (dieAfter === 'commit') await die();
  return done;
}
const mortal = (staged: StagedRows): StagedRows => ({
  ...staged,
  get rows() {
    return staged.rows;
  },
  apply: (...args) => dying(() => staged.apply(...args)),
  replace: (...args) => dying(() => staged.replace(...args)),
});
await loadSealed(
  {
    scratch: tmpdir(),
    store: openTestStore(),
    lakeFiles: await openLakeFiles({ scratch: tmpdir(), threads: 1 }),
    loads: openLoadStore(control),
    replacements: openReplacements(control),
    verify: openVerifyStore(control),
    manifest: openManifest(control),
    openReader: openReaderWith({ brokers: required('HEADRACE_KAFKA_BROKERS').split(',') }),
    openWarehouse: () => ({ ...warehouse, stage: async (...args) => mortal(await warehouse.stage(...args)) }),
  },
  { spec, workflowId: 'child', returnAfterMs: 60_000 },
  idlePulse(),
);
process.exit(0);
