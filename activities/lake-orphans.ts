/**
 * Objects that no cut names: of intents that were voided, of a control database that was restored, of workers that died.
 * Nobody reads them, as the lake is what the manifest says; but whoever lists the bucket takes them for data.
 *
 * Removed is only what cannot be the one copy of anything: all of its offsets are sealed (in other objects, or without any).
 * No new intent is ever recorded there, so what is found is so for good. The bucket is listed before the manifest is read:
 * what is sealed in between is not taken for an orphan.
 */
import { fault } from '../contracts/errors.ts';
import { OWN_FOLDER, parseObjectName } from '../contracts/manifest.ts';
import { datasetOf, type PipelineSpec } from '../contracts/pipeline.ts';
import type { Orphan, OrphansReport } from '../contracts/recovery.ts';
import type { ListedObject, ObjectStore } from './ports/object-store.ts';
import type { NamedObjects, RecoveryStore } from './ports/recovery.ts';

export interface OrphanPorts {
  store: ObjectStore;
  recovery: Pick<RecoveryStore, 'knows' | 'named'>;
}

export interface OrphansRequest {
  spec: PipelineSpec;
  /** Younger ones are left alone. */
  olderThanMs: number;
  remove: boolean;
}

/** @throws Fault ManifestConflict where the manifest knows nothing of the dataset: everything would be an orphan */
export async function findOrphans(
  { store, recovery }: OrphanPorts,
  { spec, olderThanMs, remove }: OrphansRequest,
): Promise<OrphansReport> {
  const { bucket, prefix } = spec.lake;
  const dataset = datasetOf(spec.lake);
  if (!(await recovery.knows(dataset))) {
    throw fault(
      'ManifestConflict',
      `the control database knows nothing of ${dataset}, so nobody can tell what there is an orphan; where it was lost, ` +
        'rebuild it: headrace recover',
    );
  }
  const listed: ListedObject[] = [];
  for await (const page of store.list(bucket, `${prefix}/`)) listed.push(...page);
  const manifest = await recovery.named(dataset);
  const youngest = Date.now() - olderThanMs;
  const orphans: Orphan[] = [];
  const kept: Orphan[] = [];
  const foreign: { name: string; bytes: number }[] = [];
  let named = 0;
  for (const object of listed) {
    const { name, bytes, modifiedAt } = object;
    if (name.startsWith(`${prefix}/${OWN_FOLDER}/`)) continue;
    const judged = judge(manifest, prefix, name);
    if (judged === 'named') named += 1;
    else if (judged === 'foreign') foreign.push({ name, bytes });
    else if (modifiedAt <= youngest) {
      const found = { name, bytes, modifiedAt: new Date(modifiedAt).toISOString(), why: judged.why };
      (judged.safe ? orphans : kept).push(found);
    }
  }
  if (remove) for (const { name } of orphans) await store.remove(bucket, name);
  const deleted = remove ? orphans.length : 0;
  return { pipeline: spec.name, dataset, orphans, kept, foreign, named, deleted };
}

/** Exported for the tests: which objects may go decides whether rows are lost. */
export function judge(
  manifest: NamedObjects,
  prefix: string,
  name: string,
): 'named' | 'foreign' | { safe: boolean; why: string } {
  if (manifest.names.has(name)) return 'named';
  const range = parseObjectName(prefix, name);
  if (!range) return 'foreign';
  const { topicId, partition, start, end } = range;
  const place = manifest.partitions.get(`${topicId}/${partition}`);
  if (!place) {
    return { safe: false, why: `the manifest does not know partition ${partition} of topic ${topicId}` };
  }
  if (end > place.next) {
    return {
      safe: false,
      why: `landing has not reached its end yet (it stands at ${place.next}): it may be the only copy`,
    };
  }
  if (start < place.logStart) {
    return {
      safe: false,
      why: `it begins before what the manifest knows of (${place.logStart}): it may be the only copy`,
    };
  }
  if (place.lost.some((lost) => lost.start < end && start < lost.end)) {
    return { safe: false, why: 'it has offsets that are marked lost: it may be the only copy' };
  }
  const why = manifest.voided.has(name) ? 'its intent was voided' : 'no cut names it';
  return { safe: true, why: `${why}, and its offsets are sealed without it` };
}
