/**
 * Generated events into topics, each by a lane of its own (activities/ports/topic.ts): a transactional, and so idempotent,
 * producer whose transaction holds the messages and the note of how far they go. A message's key is the entity that it is
 * about, so that an entity's messages stay in order.
 */
import { fault, messageOf } from '../contracts/errors.ts';
import { partitionOf } from '../formats/murmur2.ts';
import { createPackedMessages, type PackedMessages } from '../formats/packed-messages.ts';
import { jsonEncoder } from '../generators/encode.ts';
import type { Emission, Output, Value } from '../generators/model.ts';
import type { Found, Identity, Sink } from '../generators/ports.ts';
import type { LaneWriter, OpenLane, TopicAdmin } from './ports/topic.ts';

export interface GeneratedMessagesOptions {
  profile: string;
  outputs: readonly Output[];
  topics: TopicAdmin;
  openLane: OpenLane;
  /** Of topics that are created. */
  partitions: number;
}

/** What a lane's progress says. */
interface Note {
  /** Counts the runs of a profile into this cluster: a topic that holds an older one has nothing of this one yet. */
  run: number;
  identity: Identity;
  count: number;
  at: number;
}

interface Target {
  lane: LaneWriter;
  seq: number;
  note: Note | null;
  partitions: number;
  encode: (row: Emission['row']) => string;
  keyAt: number;
  count: number;
  waiting: PackedMessages;
}

/** A transaction, all topics together: some 200 ms of work, far below the 2 s that an open one may hold readers back. */
const FULL_MESSAGES = 20_000;
const FULL_BYTES = 8 * 1024 * 1024;

export function openGeneratedMessages(options: GeneratedMessagesOptions): Sink {
  const { profile, outputs, topics, openLane } = options;
  const targets = new Map<Output, Target>();
  let run = 0;
  let identity: Identity | undefined;
  let messages = 0;
  let bytes = 0;

  async function openTarget(output: Output, partitions: number): Promise<Target> {
    const laneId = `headrace/generate/${profile}/${output.name}`;
    const lane = await openLane({
      ...{ topic: output.name, laneId },
      // Every record says where it comes from, as a replay's do.
      ...{ replayId: `generate/${profile}`, schemaVersion: 'generated' },
    });
    const { seq, metadata } = await lane.committed();
    const keyAt = output.fields.findIndex(({ name }) => name === output.by);
    const note = metadata === '' ? null : readNote(metadata, laneId);
    const waiting = createPackedMessages();
    return { lane, seq, note, partitions, encode: jsonEncoder(output), keyAt, count: 0, waiting };
  }

  async function send(target: Target, at: number): Promise<void> {
    const { lane, partitions } = target;
    if (target.waiting.count() === 0 || identity === undefined) return;
    const note: Note = { run, identity, count: target.count, at };
    const waiting = target.waiting.take();
    await lane.begin();
    for (const { key, value } of waiting) {
      const partition = partitionOf(key, key.length, partitions);
      while (!lane.send(partition, key, value, 0)) await lane.drain();
    }
    await lane.commit(target.seq + 1, JSON.stringify(note));
    target.seq += 1;
  }

  return {
    async find() {
      const opened = await Promise.all(
        outputs.map(async (output) => {
          const facts = await topics.describe(output.name);
          return facts && ([output, await openTarget(output, facts.partitions)] as const);
        }),
      );
      for (const each of opened) if (each) targets.set(...each);
      const notes = [...targets].flatMap(([{ name }, { note }]) => (note ? [{ name, note }] : []));
      run = Math.max(0, ...notes.map(({ note }) => note.run));
      const latest = notes.filter(({ note }) => note.run === run);
      const first = latest[0];
      if (first === undefined) return null;
      return {
        identity: first.note.identity,
        counts: Object.fromEntries(latest.map(({ name, note }) => [name, note.count])),
        at: Math.max(...latest.map(({ note }) => note.at)),
      } satisfies Found;
    },
    async begin(wanted, wantedOutputs, from) {
      identity = wanted;
      if (from === null) run += 1;
      for (const output of wantedOutputs) {
        const { partitions } = await topics.ensure(output.name, options.partitions);
        const target = targets.get(output) ?? (await openTarget(output, partitions));
        target.count = from?.counts[output.name] ?? 0;
        targets.set(output, target);
      }
    },
    add({ output, row }) {
      const target = targets.get(output);
      if (!target) throw fault('Unexpected', `there is no topic for ${output.name}`);
      bytes += target.waiting.add(keyText(row[target.keyAt]), target.encode(row));
      target.count += 1;
      messages += 1;
    },
    full: () => messages >= FULL_MESSAGES || bytes >= FULL_BYTES,
    async flush(at) {
      messages = bytes = 0;
      const sent = await Promise.allSettled([...targets.values()].map((target) => send(target, at)));
      // All have ended before the first failure is told: nothing is on its way any more.
      for (const each of sent) if (each.status === 'rejected') throw each.reason;
    },
    finish: () => Promise.resolve(),
    async close() {
      await Promise.all([...targets.values()].map(({ lane }) => lane.close()));
    },
  };
}

function readNote(metadata: string, laneId: string): Note {
  try {
    return JSON.parse(metadata) as Note;
  } catch (error) {
    throw fault('Unexpected', `group ${laneId} holds no note of headrace generate: ${messageOf(error)}`, error);
  }
}

/** Keys are texts or whole numbers. */
const keyText = (value: Value | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value));
