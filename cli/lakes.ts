/** The lakes that a file names: a pipeline's one, one a table, or one a topic that matches `topicPattern`. */
import type { LandingSpec } from '../contracts/pipeline.ts';
import type { Settings } from '../contracts/settings.ts';
import type { CommonOptions } from './common-options.ts';
import { configurationFor, stackDefaults, topicsFor } from './environment.ts';
import { ensureKafkaClient } from './kafka-client.ts';
import type { Output } from './output.ts';
import { hasTables, loadEach } from '../workers/config/index.ts';
import { type Address, controlAddress, kafkaAddress, requireReachable, storeAddress } from '../workers/reachable.ts';

export interface Lakes {
  settings: Settings;
  /** One, unless `many`. */
  specs: readonly LandingSpec[];
  many: boolean;
}

interface LakesRequest {
  /** Of a file with several, where none is named; else one must be. */
  everyTable?: boolean;
  /** Objects are read, not only the manifest. */
  readsObjects?: boolean;
}

/** @throws Fault ConfigInvalid; of the first service that cannot be reached and is needed */
export async function lakesOf(
  file: string,
  options: CommonOptions,
  output: Output,
  { everyTable = false, readsObjects = false }: LakesRequest,
): Promise<Lakes> {
  const reach = (settings: Settings, others: readonly Address[] = []): Promise<void> =>
    requireReachable([controlAddress(settings), ...(readsObjects ? storeAddress(settings) : []), ...others]);
  if (everyTable && options.table === undefined && hasTables(file)) {
    const { settings, pipelines } = loadEach(file, { path: options.settings, defaults: stackDefaults() });
    await reach(settings);
    return { settings, specs: pipelines.map(({ spec }) => spec), many: true };
  }
  const found = topicsFor(file, options);
  if (!found) {
    const { settings, spec } = configurationFor(file, options);
    await reach(settings);
    return { settings, specs: [spec], many: false };
  }
  const { settings, topics } = found;
  await reach(settings, [kafkaAddress(settings)]);
  await ensureKafkaClient(settings, output);
  const { matchingTopics } = await import('../workers/lake-look.ts');
  return { settings, specs: await matchingTopics(settings, topics), many: true };
}
