/** What a land workflow begins with: the topic as it is now, a store that can be trusted, generations used so far. */
import { fault } from '../contracts/errors.ts';
import { schemaName } from '../contracts/manifest.ts';
import { datasetOf, type LandingSpec } from '../contracts/pipeline.ts';
import { partitionFaults } from '../formats/partition-folder.ts';
import { schemaBytes } from '../formats/schema-version.ts';
import type { LandingFacts, LandPorts } from './land-ports.ts';
import { findTopic } from './land-topic.ts';

/** Records must stay in the log for at least so many ages of an open cut, and never less than the floor. */
const RETENTION_AGES = 10;
const RETENTION_LEAST_MS = 10 * 60_000;

/** @throws Fault TopicUnsuited, StoreUnsuited */
export async function describeLanding(
  ports: Pick<LandPorts, 'manifest' | 'topicAdmin' | 'store'>,
  spec: LandingSpec,
): Promise<LandingFacts> {
  const topic = spec.topic.name;
  const facts = await findTopic(ports.topicAdmin, topic);
  if (!facts) throw fault('TopicUnsuited', `topic ${topic} does not exist; a replay creates it, or create it yourself`);
  const settings = await ports.topicAdmin.settings(topic);
  const wanted = Math.max(RETENTION_LEAST_MS, RETENTION_AGES * spec.lake.rotate.ageMs);
  const faults = [
    ...(settings.cleanupPolicy.includes('compact')
      ? [`cleanup.policy is ${settings.cleanupPolicy}: records vanish before they are landed; set it to delete`]
      : []),
    ...(settings.retentionMs >= 0 && settings.retentionMs < wanted
      ? [`retention.ms is ${settings.retentionMs}: raise it to ${wanted} at least, or lower lake.rotate.age`]
      : []),
  ];
  if (faults.length > 0) throw fault('TopicUnsuited', `topic ${topic} cannot be landed: ${faults.join('; ')}`);
  await ports.store.probe(spec.lake.bucket, spec.lake.prefix);
  if (spec.foreign) await keepForeign(ports, spec, spec.foreign);
  return { ...facts, generation: await ports.manifest.generation(datasetOf(spec.lake)) };
}

/** The declared columns where readers look for them, in the control database and beside the data, as a replay's plan does it. */
async function keepForeign(
  { manifest, store }: Pick<LandPorts, 'manifest' | 'store'>,
  { lake }: LandingSpec,
  { version, shape }: NonNullable<LandingSpec['foreign']>,
): Promise<void> {
  const faults = partitionFaults(lake, shape);
  if (faults.length > 0) throw fault('ConfigInvalid', faults.join('; '));
  await manifest.saveSchema(datasetOf(lake), version, shape);
  await store.putBytesIfAbsent(lake.bucket, schemaName(lake.prefix, version), schemaBytes(shape));
}
