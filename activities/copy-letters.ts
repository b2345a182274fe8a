/**
 * Copies dead letters into the topic of dead letters, each once. Letters have numbers in their order; a transaction brings in
 * some of them together with the last one's number, as the group offset of a lane of their own. So whoever comes next, after
 * a crash or beside a zombie (which opening the lane has fenced), asks Kafka and goes on from there (docs/decisions/0012).
 */
import { datasetOf, type LandingSpec } from '../contracts/pipeline.ts';
import { deadLetterLane, deadLetterTopic } from '../contracts/letters.ts';
import { MAX_MESSAGE_BYTES } from '../contracts/messages.ts';
import type { Letters, NumberedLetter } from './ports/letters.ts';
import type { LaneWriter, OpenLane, TopicAdmin } from './ports/topic.ts';
import type { Pulse } from './pulse.ts';

export interface CopyLettersPorts {
  letters: Letters;
  topicAdmin: TopicAdmin;
  openLane: OpenLane;
}

/** Letters a transaction; each may hold as many bytes as a message. */
const LETTERS_AT_ONCE = 50;
/** Room for the headers that tell origin and reason. */
const MOST_BYTES = MAX_MESSAGE_BYTES - 64 * 1024;

/** @returns letters copied now */
export async function copyLetters(
  { letters, topicAdmin, openLane }: CopyLettersPorts,
  { spec }: { spec: LandingSpec },
  pulse: Pulse,
): Promise<number> {
  const dataset = datasetOf(spec.lake);
  const topic = deadLetterTopic(spec.topic.name);
  const { partitions } = await topicAdmin.ensure(topic, spec.topic.partitions);
  const writer = await openLane({ topic, laneId: deadLetterLane(dataset), replayId: '', schemaVersion: '' });
  let copied = 0;
  try {
    const committed = await writer.committed();
    // Kafka forgets an idle group after a week; what was noted by then stands.
    let at = Math.max(committed.seq, await letters.sent(dataset));
    for (;;) {
      pulse.throwIfCancelled();
      pulse.beat({ copied });
      const some = await letters.toSend(dataset, at, LETTERS_AT_ONCE);
      const last = some.at(-1);
      if (last === undefined) return copied;
      await writer.begin();
      for (const letter of some) await send(writer, letter, letter.partition % partitions, pulse);
      await writer.commit(last.seq, '');
      copied += some.length;
      at = last.seq;
    }
  } finally {
    // What a failure left open is aborted by the next opening, or by the broker's timeout.
    await writer.close();
  }
}

async function send(writer: LaneWriter, letter: NumberedLetter, partition: number, pulse: Pulse): Promise<void> {
  const fits = (letter.key?.length ?? 0) + (letter.value?.length ?? 0) <= MOST_BYTES;
  const value = fits ? letter.value : null;
  while (!writer.sendRecord(partition, letter.key, value, headersOf(letter, fits))) {
    await writer.drain();
    pulse.throwIfCancelled();
  }
}

/** Where it comes from and why it is here, and then the record's own headers. */
function headersOf(letter: NumberedLetter, whole: boolean): (readonly [string, Buffer])[] {
  const facts = {
    topic: letter.topic,
    'topic-id': letter.topicId,
    partition: letter.partition,
    offset: letter.offset,
    'refused-by': letter.hop,
    reason: letter.reason,
    'found-at': letter.foundAt,
    ...(whole ? {} : { 'left-out': 'value: too large with its origin; headrace dead-letters has it' }),
  };
  const ours = Object.entries(facts).map(([name, fact]) => [`headrace.${name}`, Buffer.from(String(fact))] as const);
  return [...ours, ...letter.headers];
}
