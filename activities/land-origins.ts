/**
 * Keeps records out that no replay wrote for this dataset and topic, each by its own header, whoever its neighbours are: a
 * header can be forged or missing, and a replay's id is in the control database before its first record is sent. Costs
 * nothing a record: a cut has few lineages, and only a cut that holds refused ones is gone through (a second buffer then
 * holds the good records, so such a cut takes twice its memory while it is encoded).
 */
import { HEADER, writeOrigin } from '../contracts/messages.ts';
import { bufferedRecord, type CutBuffer, createCutBuffer } from '../formats/cut-buffer.ts';
import type { Lineage } from '../formats/record-headers.ts';
import type { BadRecord } from './ports/lake-files.ts';
import type { Manifest } from './ports/manifest.ts';

/**
 * Which of the ids are replays of this dataset and topic.
 * @param plannedBy the answer as of then; null: as of now
 */
export type KnownReplays = (ids: readonly string[], plannedBy: string | null) => Promise<ReadonlySet<string>>;

/** Remembers, as long as an activity lives, the replays that are known; one that is not is asked for again each time. */
export function createKnownReplays(
  manifest: Pick<Manifest, 'knownReplays'>,
  dataset: string,
  topicId: string,
): KnownReplays {
  const known = new Set<string>();
  return async (ids, plannedBy) => {
    // As of an earlier time less may be known than is remembered.
    if (plannedBy !== null) return new Set(await manifest.knownReplays(dataset, topicId, ids, plannedBy));
    const missing = ids.filter((id) => !known.has(id));
    if (missing.length === 0) return known;
    for (const id of await manifest.knownReplays(dataset, topicId, missing, null)) known.add(id);
    return known;
  };
}

/** @returns the records to be encoded (the buffer itself where none is refused), and the refused ones with the reason */
export async function sortOut(
  buffer: CutBuffer,
  knownReplays: KnownReplays,
  plannedBy: string | null,
): Promise<{ good: CutBuffer; bad: BadRecord[] }> {
  const { lineages } = buffer.content();
  const ids = [...new Set(lineages.flatMap(({ replay }) => (replay === null ? [] : [replay])))];
  const known = ids.length === 0 ? new Set<string>() : await knownReplays(ids, plannedBy);
  const reasons = lineages.map((lineage) => reasonAgainst(lineage, known));
  return reasons.some((reason) => reason !== null) ? divide(buffer, reasons) : { good: buffer, bad: [] };
}

function reasonAgainst({ replay }: Lineage, known: ReadonlySet<string>): string | null {
  if (replay === null) return `no header ${HEADER}: not written by a replay`;
  return known.has(replay) ? null : `header ${HEADER} names replay ${replay}, which is none of this dataset and topic`;
}

function divide(buffer: CutBuffer, reasons: readonly (string | null)[]): { good: CutBuffer; bad: BadRecord[] } {
  const { lines, starts, lineages } = buffer.content();
  const schema = buffer.schemaVersion() ?? '';
  const origins = lineages.map(({ replay, chunk }) =>
    replay === null || chunk === null ? null : Buffer.from(writeOrigin({ schema, chunk, replay })),
  );
  const good = createCutBuffer(buffer.partition);
  const bad: BadRecord[] = [];
  for (const start of starts) {
    // A line begins with its offset and its lineage's index, of 16 and 10 digits at most.
    const [offset = '', index = ''] = lines.toString('latin1', start, start + 28).split('\t', 2);
    const reason = reasons[Number(index)];
    const record = reason == null ? buffer.rawRecord(Number(offset)) : null;
    if (record) good.append(bufferedRecord(record.offset, record.value, origins[Number(index)] ?? null));
    else bad.push({ offset: Number(offset), reason: reason ?? '' });
  }
  return { good, bad };
}
