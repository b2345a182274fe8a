/**
 * Objects that no cut names: of intents that were voided, of a control database that was restored, of workers that died.
 * Nobody reads them, as the lake is what the manifest says; but whoever lists the bucket takes them for data.
 *
 * Removed is only what cannot be the one copy of anything: all of its offsets are sealed (in other objects, which are there, or
 * without any). Landing records no new intent there; a replacement's intent (compact, a move) names objects that no other has
 * named before, and is given up before they are removed. The bucket is listed before the manifest is read: what is sealed
 * in between is not taken for an orphan.
 *
 * What was replaced or has expired waits as long as a young object does: somebody may read by an older list.
 */
import { fault } from '../contracts/errors.ts';
import { OWN_FOLDER, parseObjectName, prefixOf } from '../contracts/manifest.ts';
import { datasetOf, movedPrefix, type PipelineSpec } from '../contracts/pipeline.ts';
import type { Orphan, OrphansReport } from '../contracts/recovery.ts';
import type { ListedObject, ObjectStore } from './ports/object-store.ts';
import type { NamedObject, NamedObjects, RecoveryStore } from './ports/recovery.ts';
import type { Replacements } from './ports/replacements.ts';

export interface OrphanPorts {
  store: ObjectStore;
  recovery: Pick<RecoveryStore, 'knows' | 'named'>;
  replacements: Pick<Replacements, 'abandonOld'>;
}

export interface OrphansRequest {
  spec: PipelineSpec;
  /** Younger ones are left alone. */
  olderThanMs: number;
  remove: boolean;
}

/** @throws Fault ManifestConflict where the manifest knows nothing of the dataset: everything would be an orphan */
export async function findOrphans(
  { store, recovery, replacements }: OrphanPorts,
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
  const known = [...(await recovery.named(dataset)).names.keys()].map((name) => prefixOf(prefix, name));
  const prefixes = new Set([prefix, movedPrefix(spec.lake) ?? prefix, ...known]);
  for (const each of prefixes) for await (const page of store.list(bucket, `${each}/`)) listed.push(...page);
  if (remove) await replacements.abandonOld(dataset, olderThanMs);
  const manifest = await recovery.named(dataset);
  const there = new Set(listed.map(({ name }) => name));
  const missing = [...manifest.names].filter(([name, { is }]) => is === 'named' && !there.has(name));
  const youngest = Date.now() - olderThanMs;
  const orphans: Orphan[] = [];
  const kept: Orphan[] = [];
  const foreign: { name: string; bytes: number }[] = [];
  let named = 0;
  for (const object of listed) {
    const { name, bytes, modifiedAt } = object;
    if (name.startsWith(`${prefix}/${OWN_FOLDER}/`)) continue;
    const judged = judge(manifest, prefix, name, { graceMs: olderThanMs, remove, missing });
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

export interface JudgeBy {
  /** What was retired for less than this is left alone. */
  graceMs: number;
  /** What is judged an orphan is removed: intents that are old were given up before, so that those left are not. */
  remove: boolean;
  /** Objects that the manifest says are read, and the bucket does not have. */
  missing: readonly (readonly [name: string, NamedObject])[];
}

/** Exported for the tests: which objects may go decides whether rows are lost. */
export function judge(
  manifest: NamedObjects,
  prefix: string,
  name: string,
  by: JudgeBy = { graceMs: 0, remove: false, missing: [] },
): 'named' | 'foreign' | { safe: boolean; why: string } {
  const known = manifest.names.get(name);
  if (known?.is === 'named') return 'named';
  const range = parseObjectName(prefixOf(prefix, name), name);
  if (!range) return 'foreign';
  const { topicId, partition, start, end } = range;
  const place = manifest.partitions.get(`${topicId}/${partition}`);
  const kept = (why: string) => ({ safe: false, why });
  if (!place) return kept(`the manifest does not know partition ${partition} of topic ${topicId}`);
  if (end > place.next) {
    return kept(`landing has not reached its end yet (it stands at ${place.next}): it may be the only copy`);
  }
  if (start < place.logStart) {
    return kept(`it begins before what the manifest knows of (${place.logStart}): it may be the only copy`);
  }
  if (place.lost.some((lost) => lost.start < end && start < lost.end)) {
    return kept('it has offsets that are marked lost: it may be the only copy');
  }
  // A control database of before a compact or a move: it names what has been removed since.
  const gone = by.missing.find(
    ([, each]) => each.place === `${topicId}/${partition}` && each.start < end && start < each.end,
  );
  if (gone) return kept(`${gone[0]}, which the manifest names for its offsets, is missing: it may be the only copy`);
  if (known?.is === 'replacing' && (by.remove || known.ageMs < by.graceMs)) {
    return kept('a compact or a move that has not ended names it');
  }
  const what = REASONS[known?.is ?? 'none'];
  if (known && known.is !== 'void' && known.ageMs < by.graceMs) {
    return kept(`${what}, ${Math.round(known.ageMs / 60_000)} minutes ago: somebody may still read it`);
  }
  return { safe: true, why: known?.is === 'expired' ? what : `${what}, and its offsets are sealed without it` };
}

const REASONS = {
  none: 'no cut names it',
  named: '',
  void: 'its intent was voided',
  replacing: 'a compact or a move that was broken off named it',
  replaced: 'its cut was replaced',
  expired: 'its cut has expired',
};
