/**
 * Brings a claimed partition to a place from which reading can begin: finishes the intent found open, exactly as recorded,
 * and deals with records that are no longer in the log.
 *
 * An intent whose objects all exist is sealed, whatever the log still has. Otherwise its range is read again and must give
 * the same input hash. If it cannot be read any more, it is voided, and only what cannot be read is noted as lost.
 */
import { fault, isFault } from '../contracts/errors.ts';
import { judgeObject } from './land-object.ts';
import type { LandPorts } from './land-ports.ts';
import { rereadCut } from './land-reread.ts';
import { withScratch } from './land-scratch.ts';
import type { Claim, StoredCut } from './ports/manifest.ts';
import { finishCut, type LandContext, refused, sealCut } from './land-write.ts';

/**
 * @param logStart first offset still in the partition's log
 * @returns where reading goes on
 * @throws Fault OffsetsExpired when records were lost and `acceptLoss` is false; they are noted as lost
 */
export async function settlePartition(
  ports: LandPorts,
  context: LandContext,
  claim: Claim,
  logStart: number,
  acceptLoss: boolean,
): Promise<number> {
  let state = await ports.manifest.state(claim);
  if (state.token !== claim.token) throw refused(context, claim);
  if (state.open) {
    await settleOpen(ports, context, claim, state.open, logStart);
    state = await ports.manifest.state(claim);
  }
  let { next } = state;
  while (next < logStart) {
    let skipped = await ports.manifest.skipLost(claim);
    if (skipped === null) {
      const why =
        `offsets ${next} to ${logStart} of topic ${context.topic}, partition ${claim.partition}, expired or were deleted ` +
        'before they were landed';
      await ports.manifest.noteLost(claim, next, logStart, why);
      if (!acceptLoss) {
        const remedy = "raise the topic's retention, and use --accept-loss to land on without them";
        throw fault('OffsetsExpired', `${why}; ${remedy}`);
      }
      await ports.manifest.acceptLost(context.dataset, context.topicId);
      skipped = await ports.manifest.skipLost(claim);
    }
    if (skipped === null) throw refused(context, claim);
    next = skipped;
  }
  return next;
}

async function settleOpen(
  ports: LandPorts,
  context: LandContext,
  claim: Claim,
  cut: StoredCut,
  logStart: number,
): Promise<void> {
  // Dead letters are stored before the objects: where all objects are, the letters are too.
  if (cut.objects.length > 0 && (await allThere(ports, context, cut))) {
    await sealCut(ports, context, claim, cut);
    return;
  }
  try {
    if (cut.start < logStart) throw fault('OffsetsExpired', `offset ${cut.start} is gone`);
    await withScratch(ports.worker.scratch, async (directory) => {
      const again = await rereadCut(ports, context, cut, directory);
      await finishCut(ports, context, claim, cut, again);
    });
  } catch (error) {
    if (!isFault(error, 'OffsetsExpired')) throw error;
    if (!(await ports.manifest.void(claim, cut))) throw refused(context, claim);
  }
}

async function allThere(ports: LandPorts, context: LandContext, cut: StoredCut): Promise<boolean> {
  for (const object of cut.objects) {
    const facts = { ...object, inputSha256: cut.inputSha256 };
    if ((await judgeObject(ports.store, context.lake.bucket, facts)) !== 'same') return false;
  }
  return true;
}
