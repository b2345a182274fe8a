/**
 * Whether a topic is still the one that is landed. A broker that starts, or lags behind the others, may not know a topic
 * for a moment: "there is none" is believed only after a while, because it ends the landing for good.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fault } from '../contracts/errors.ts';
import type { TopicAdmin, TopicFacts } from './ports/topic.ts';

const PATIENCE_MS = 5_000;
const PAUSE_MS = 250;

/** Null where there has been no such topic for some seconds. */
export async function findTopic(topicAdmin: TopicAdmin, topic: string): Promise<TopicFacts | null> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const facts = await topicAdmin.describe(topic);
    if (facts || performance.now() > deadline) return facts;
    await sleep(PAUSE_MS);
  }
}

/**
 * Costs half a millisecond, so it is asked before every intent.
 * @throws Fault TopicRecreated
 */
export async function checkTopic(
  topicAdmin: TopicAdmin,
  { topic, topicId }: { topic: string; topicId: string },
): Promise<TopicFacts> {
  const facts = await findTopic(topicAdmin, topic);
  if (facts?.topicId === topicId) return facts;
  throw fault(
    'TopicRecreated',
    facts
      ? `topic ${topic} was made anew (id ${facts.topicId}, was ${topicId}) while it was landed; start the landing again to ` +
          'land the new topic'
      : `topic ${topic} (id ${topicId}) was deleted while it was landed`,
  );
}
