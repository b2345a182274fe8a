/** Is a position still within its partition's log? */
import { fault } from '../../contracts/errors.ts';
import type { Connection } from './connection.ts';
import { kafkaFault, NONE } from './error-codes.ts';
import { listOffsets } from './requests.ts';

/**
 * @param leader of the partition
 * @throws Fault OffsetsExpired, ManifestConflict when the position is not within the log
 */
export async function checkBounds(
  leader: Connection,
  topic: string,
  { partition, position }: { partition: number; position: number },
): Promise<void> {
  const doing = `reading topic ${topic}`;
  const [low, high] = await Promise.all(
    ([-2, -1] as const).map(async (at) => (await leader.send(listOffsets(topic, [partition], at)))[0]),
  );
  if (!low || !high || low.error !== NONE || high.error !== NONE) {
    throw kafkaFault(low?.error ?? high?.error ?? -1, `${doing}: asking for the bounds of partition ${partition}`);
  }
  if (position < low.offset) {
    throw fault(
      'OffsetsExpired',
      `${doing}: partition ${partition} begins at offset ${low.offset} now, ${position} to ${low.offset} expired or were ` +
        'deleted before they were landed; raise the retention, and use --accept-loss to land on without them',
    );
  }
  if (position > high.offset) {
    throw fault(
      'ManifestConflict',
      `${doing}: partition ${partition} ends at offset ${high.offset}, but ${position} was landed already: the log was ` +
        'cut short (unclean leader election?); land it to a new prefix',
    );
  }
}
