/** `lake compact` in a process of its own, which kills itself with SIGKILL after a step. Argument: JSON of `{ spec, step, scratch }`. */
import { compactLake } from '../../activities/compact-lake.ts';
import { openLakeFiles } from '../../connectors/duckdb/lake-files.ts';
import { openLoadStore } from '../../connectors/postgres/load-store.ts';
import { openManifest } from '../../connectors/postgres/manifest-store.ts';
import { openPool } from '../../connectors/postgres/pool.ts';
import { openReplacements } from '../../connectors/postgres/replacement-store.ts';
import { openObjectStore } from '../../connectors/s3/object-store.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import { database, required } from './services.ts';

const task = process.argv[2] ?? '';
const { spec, step, scratch } = JSON.parse(task) as { spec: PipelineSpec; step: string; scratch: string };
const control = openPool(database('CONTROL_URL'), 'test', 2);
const store = openObjectStore({ endpoint: required('HEADRACE_S3_ENDPOINT'), region: 'us-east-1', pathStyle: true });
const ports = {
  ...{ loads: openLoadStore(control), manifest: openManifest(control), replacements: openReplacements(control) },
  ...{ store, lakeFiles: await openLakeFiles({ scratch }), scratch },
  onStep: (done: string): Promise<void> => {
    if (done !== step) return Promise.resolve();
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  },
};
await compactLake(ports, { spec, targetBytes: 2 ** 20, dryRun: false }, new AbortController().signal);
