/** What was found, in words: what will be written, what a rebuild cannot have, and what stands in the way. Pure. */
import { countWith } from '../contracts/count-words.ts';
import type { RecoveryReport } from '../contracts/recovery.ts';
import type { FoundLake } from './recover-lake.ts';
import { assumed, type PresentShape, withLetters } from './recover-plan.ts';
import type { Findings, GapPlan } from './recover-ports.ts';

export interface Surroundings {
  lake: FoundLake;
  setAside: readonly string[];
  /** The control database knows the dataset. */
  known: boolean;
  /** Schema versions that something has. */
  wanted: readonly string[];
  present: PresentShape;
  hashed: number | null;
}

const FEW = 3;
const few = (names: readonly string[]): string =>
  names.length <= FEW ? names.join(', ') : `${names.slice(0, FEW).join(', ')} and ${names.length - FEW} more`;

export function reportOf(found: Omit<Findings, 'report'>, around: Surroundings): RecoveryReport {
  const { request, partitions, replays } = found;
  const { lake, wanted, present } = around;
  const every = partitions.flatMap((plan) => plan.gaps.map((gap) => ({ gap, plan })));
  const told = every.filter(({ gap }) => !gap.proven || gap.is === 'read');
  const known = partitions
    .flatMap(({ chain, gaps }) => [...chain, ...gaps])
    .reduce((sum, { deadLetters = 0 }) => sum + deadLetters, 0);
  return {
    pipeline: request.spec.name,
    dataset: found.dataset,
    topic: request.spec.topic.name,
    topicId: found.topicId,
    partitions: partitions.map((plan) => ({
      topicId: plan.topicId,
      partition: plan.partition,
      logStart: plan.logStart,
      next: plan.next,
      objects: plan.chain.length,
      rows: plan.chain.reduce((sum, { rows }) => sum + rows, 0),
      ledger: plan.ledger,
      toLand: plan.log === null ? 0 : Math.max(0, plan.log.end - plan.next),
    })),
    gaps: told.map(({ gap: { start, end, is, records }, plan: { topicId, partition } }) => ({
      ...{ topicId, partition, start, end, is, records },
    })),
    replays: [...replays].map(([replayId, { records, schemaVersions }]) => ({
      ...{ replayId, records, schemaVersions: [...schemaVersions] },
      proof: request.distrusted.includes(replayId)
        ? ('distrusted' as const)
        : request.trusted.includes(replayId)
          ? ('trusted' as const)
          : ('later' as const),
    })),
    schemaVersions: wanted.map((version) => ({ version, from: originOf(version, around) })),
    hashPartitions: found.hashPartitions,
    deadLetters: { known, found: 0 },
    setAside: around.setAside,
    foreign: lake.foreign.length,
    notes: notesOf(found, around, known),
    faults: faultsOf(found, around),
    written: false,
  };

  function originOf(version: string, { lake: { schemas } }: Surroundings): 'lake' | 'source' | null {
    if (schemas.some((each) => each.version === version)) return 'lake';
    return version === present.version ? 'source' : null;
  }
}

function notesOf(
  { partitions, request, topicId }: Omit<Findings, 'report'>,
  around: Surroundings,
  known: number,
): string[] {
  const notes: string[] = [];
  const lost = partitions.flatMap(({ partition, gaps }) =>
    gaps.filter(({ is }) => is === 'lost').map((gap) => ({ partition, gap })),
  );
  for (const { partition, gap } of lost) notes.push(lostText(partition, gap));
  for (const { partition, next, log, topicId: id } of partitions) {
    if (log !== null && log.start > next) {
      notes.push(
        `partition ${partition}: offsets ${next} to ${log.start} have left the topic and are in no object; landing stops ` +
          'there until they are accepted as lost (land --accept-loss)',
      );
    }
    if (log !== null && log.end < next) {
      notes.push(
        `partition ${partition} of topic ${id} ends at ${log.end}, below what is landed: the broker has lost records`,
      );
    }
  }
  const readable = partitions
    .flatMap((plan) => [...withLetters(plan), ...plan.gaps.filter(({ is }) => is === 'read')])
    .reduce((sum, { deadLetters = 0 }) => sum + deadLetters, 0);
  if (known > readable) {
    notes.push(
      `${countWith(known - readable, 'dead letter', 'is', 'are')} gone with the bytes: the offsets have left the topic`,
    );
  }
  const silent = partitions.flatMap(({ chain }) => chain.filter(({ since }) => since === undefined));
  if (silent.length > 0) {
    notes.push(
      `${countWith(silent.length, 'object', 'was', 'were')} written by an older version, which did not say what lies before them nor how many dead ` +
        'letters lie among them',
    );
  }
  if (around.hashed === null) {
    notes.push(
      `no record in the topic tells over how many partitions keys were hashed; taken: ${request.spec.topic.partitions} at most`,
    );
  }
  if (topicId === null) notes.push(`topic ${request.spec.topic.name} is gone: what had not been landed went with it`);
  notes.push(
    'chunks, sums and ends of earlier replays, requests to land and the history of loads are not known any more: verify ' +
      'needs a new replay, and whoever wants landing asks again (headrace land)',
  );
  return notes;
}

function lostText(partition: number, { start, end }: GapPlan): string {
  return (
    `partition ${partition}: nobody can tell what offsets ${start} to ${end} held (markers, or rows of an object that is gone): ` +
    'they are marked lost, to be accepted with land --accept-loss'
  );
}

function faultsOf({ partitions, replays, request, schemas }: Omit<Findings, 'report'>, around: Surroundings): string[] {
  const faults: string[] = [];
  const { lake, present } = around;
  if (around.known) {
    faults.push(
      'the control database knows partitions of the dataset already, so there is nothing to rebuild; where somebody landed ' +
        'or replayed before the rebuild, see "The control database is lost" in docs/operations.md',
    );
  }
  if (partitions.length === 0) {
    faults.push('neither the lake nor Kafka has anything of this pipeline; look whether the file names the right ones');
  }
  if (lake.unmarked.length > 0) {
    faults.push(
      `${countWith(lake.unmarked.length, 'object', 'has', 'have')} a name of ours but not our metadata (${few(lake.unmarked)}): they were copied without ` +
        'it, or are not ours; restore the metadata, or move them away',
    );
  }
  const known = new Set(schemas.map(({ version }) => version));
  const objects = partitions.flatMap(({ chain }) => chain);
  const silent = objects.filter(({ schemaVersion }) => schemaVersion === undefined);
  if (silent.length > 0 && !known.has(assumed(request, present))) {
    faults.push(
      `${countWith(silent.length, 'object', 'of an older version does', 'of an older version do')} not say which columns they were written with ` +
        `(${few(silent.map(({ name }) => name))}); where they are the source's present ones, say --assume-present-schema` +
        (present.trouble === '' ? '' : ` (the source does not tell them: ${present.trouble})`),
    );
  }
  for (const version of around.wanted.filter((each) => !known.has(each))) {
    const where = [
      ...objects.filter(({ schemaVersion }) => schemaVersion === version).map(({ name }) => name),
      ...[...replays].filter(([, seen]) => seen.schemaVersions.has(version)).map(([id]) => `records of replay ${id}`),
    ];
    faults.push(
      `nobody knows the columns of schema version ${version} (${few(where)}): neither the lake (_headrace/schema/) nor the ` +
        `source's present table; put that table's columns back for the rebuild, or restore the file`,
    );
  }
  return faults;
}
