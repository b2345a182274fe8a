/**
 * The end of a load in a process of its own, which kills itself with SIGKILL after a step. Argument: JSON of `{ spec, step,
 * afterLoad }`.
 */
import { tendLoaded } from '../../activities/after-load.ts';
import { readPlaces } from '../../activities/load-places.ts';
import { openLoadStore } from '../../connectors/postgres/load-store.ts';
import { openPool } from '../../connectors/postgres/pool.ts';
import { openReplacements } from '../../connectors/postgres/replacement-store.ts';
import { openPostgresWarehouse } from '../../connectors/postgres/warehouse.ts';
import { openObjectStore } from '../../connectors/s3/object-store.ts';
import { type AfterLoad, datasetOf, type PipelineSpec } from '../../contracts/pipeline.ts';
import { database, required } from './services.ts';

const { spec, step, afterLoad } = JSON.parse(process.argv[2] ?? '') as {
  spec: PipelineSpec;
  step: string;
  afterLoad: AfterLoad;
};
const control = openPool(database('CONTROL_URL'), 'test', 2);
const warehouse = openPostgresWarehouse(database('CONNECTION_WAREHOUSE'));
const store = openObjectStore({ endpoint: required('HEADRACE_S3_ENDPOINT'), region: 'us-east-1', pathStyle: true });
const places = await readPlaces(openLoadStore(control), warehouse, datasetOf(spec.lake), spec.warehouse.table);
const ports = {
  ...{ store, replacements: openReplacements(control), graceMs: 0 },
  onStep: (done: string): Promise<void> => {
    if (done !== step) return Promise.resolve();
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  },
};
await tendLoaded(ports, { ...spec, lake: { ...spec.lake, afterLoad } }, places, () => false);
