/**
 * A replay's turn to publish, and its end. Replays of one pipeline publish one after the other: an older reading must not
 * overwrite a newer one. (Scopes are not compared: even disjoint windows may share a key whose event time moved.)
 */
import { fault } from '../contracts/errors.ts';
import type { PartitionEnds } from '../contracts/replay.ts';
import { settleLanes } from './lane-outcome.ts';
import type { Letters } from './ports/letters.ts';
import type { PaceLimits, Replays } from './ports/replays.ts';
import type { OpenLane, TopicAdmin } from './ports/topic.ts';

export interface TurnPorts {
  replays: Replays;
  topics: TopicAdmin;
  openLane: OpenLane;
  isWorkflowOpen: (workflowId: string) => Promise<boolean>;
}

/** Sets the pace that the replay is to begin with. @returns null when it is this replay's turn, else the replay that is waited for */
export async function takeTurn(
  { replays, openLane, isWorkflowOpen }: TurnPorts,
  request: { replayId: string; pace: PaceLimits },
): Promise<string | null> {
  await replays.setPace(request.replayId, request.pace);
  const holder = await replays.startPublishing(request.replayId);
  if (!holder) return null;
  if (holder.replayId === '' || (await isWorkflowOpen(holder.workflowId))) return holder.replayId;
  // Its workflow was terminated or failed: nobody will finish it. Stop its lanes before taking its place.
  await takeOver({ replays, openLane }, holder.replayId);
  return (await replays.startPublishing(request.replayId)) ? holder.replayId : null;
}

/** Ends what a replay has on its way, and gives its publishing place up; run again, it takes its turn and goes on. */
export async function withdraw(
  { replays, openLane }: Pick<TurnPorts, 'replays' | 'openLane'>,
  replayId: string,
): Promise<void> {
  const lanes = await replays.withdraw(replayId);
  // The clock of event time stands until the replay is run again.
  const pace = await replays.pace(replayId);
  if (pace.speed != null) await replays.setPace(replayId, { ...pace, paused: true });
  await settleLanes(replays, openLane, await replays.get(replayId), lanes);
  await replays.release(replayId);
}

/** Stops a replay that nobody runs any more for good: nothing of it can come in later. */
export async function takeOver(
  { replays, openLane }: Pick<TurnPorts, 'replays' | 'openLane'>,
  replayId: string,
): Promise<void> {
  const dead = await replays.get(replayId);
  await settleLanes(replays, openLane, dead, await replays.abandon(replayId));
  await replays.release(replayId);
}

/**
 * The replay's end a partition: the high watermark, read once all lanes' outcomes are durable. Not the last stable offset:
 * it lags one's own commit (27 of 300 times) and another's open transaction holds it down.
 */
export async function finishReplay(
  { replays, topics, letters }: TurnPorts & { letters: Letters },
  request: { replayId: string },
): Promise<{ ends: PartitionEnds; rows: number }> {
  const { replayId } = request;
  const open = await replays.openLanes(replayId);
  if (open.length > 0)
    throw fault('Unexpected', `lanes ${open.join(', ')} of replay ${replayId} have no known outcome yet`);
  const replay = await replays.get(replayId);
  const facts = await topics.describe(replay.spec.topic.name);
  if (facts?.topicId !== replay.topicId) {
    throw fault(
      'TopicRecreated',
      `topic ${replay.spec.topic.name} was made anew while replay ${replayId} ran; start a new replay`,
    );
  }
  // A replay writes to `partitions` of them; what others write elsewhere is no concern of its end.
  const ends = await replays.finishPublishing(
    replayId,
    await topics.highWatermarks(replay.spec.topic.name, replay.partitions),
  );
  if (replay.scope.keys) await letters.redriven(replayId);
  return { ends, rows: await replays.rowsIn(replayId) };
}
