/**
 * The cuts under way of one land activity. While one is encoded, put and sealed, reading goes on; cuts of a partition are
 * encoded side by side but recorded strictly in order. The first failure stops all that has not recorded its intent yet;
 * what has is finished if it can be, else the next claim finishes it.
 */
import type { EncoderSettings } from '../contracts/manifest.ts';
import type { Turns } from './land-encoder.ts';
import type { ClosedCut, LandingPartition } from './land-partition.ts';
import type { LandPorts } from './land-ports.ts';
import { requireFewBad } from './bad-records.ts';
import { withScratch } from './land-scratch.ts';
import { encodeCut, finishCut, type LandContext, recordIntent, refused, step } from './land-write.ts';

export interface CutsUnderWay {
  start(partition: LandingPartition, cut: ClosedCut): void;
  count(): number;
  /** What went wrong first. */
  failure(): unknown;
  /** No further intents are recorded. */
  stop(): void;
  /** Sealed so far by this activity. */
  totals(): { rows: number; cuts: number; objects: number; letters: number };
}

export function createCutsUnderWay(
  ports: LandPorts,
  context: LandContext,
  encoder: EncoderSettings,
  turns: Turns,
): CutsUnderWay {
  let underWay = 0;
  let failure: unknown;
  let stopped = false;
  const totals = { rows: 0, cuts: 0, objects: 0, letters: 0 };

  async function run(partition: LandingPartition, cut: ClosedCut, before: Promise<void>): Promise<void> {
    const { claim } = partition;
    await withScratch(ports.worker.scratch, async (directory) => {
      const ready = await turns(async () =>
        stopped ? null : encodeCut(ports, context, cut, cut.buffer, encoder, directory),
      ).finally(() => partition.giveBack(cut));
      if (!ready) return;
      await step(ports, 'encoded', claim, cut);
      await before;
      if (stopped || partition.stale) return;
      const bad = ready.bad.map((each) => ({ partition: claim.partition, ...each }));
      await requireFewBad(ports.manifest, context, bad);
      const { answer, intent } = await recordIntent(ports, context, claim, ready, cut.reason, encoder);
      if (answer.kind === 'refused') throw refused(context, claim);
      if (answer.kind !== 'opened') {
        partition.stale = true;
        return;
      }
      if (intent.objects.length > 0 || ready.bad.length > 0) {
        await step(ports, 'intended', claim, cut);
        await finishCut(ports, context, claim, { ...intent, attempt: answer.attempt }, ready);
      }
      partition.sealed = cut.end;
      totals.rows += ready.rows;
      totals.cuts += 1;
      totals.letters += ready.bad.length;
      totals.objects += intent.objects.length;
    });
  }

  return {
    start(partition, cut) {
      underWay += 1;
      partition.tail = run(partition, cut, partition.tail)
        .catch((error: unknown) => {
          failure ??= error;
          stopped = true;
        })
        .finally(() => {
          // Also of a cut that never came to be encoded (no room for its folder): held for ever, it would keep all reading waiting.
          partition.giveBack(cut);
          underWay -= 1;
        });
    },
    count: () => underWay,
    failure: () => failure,
    stop: () => void (stopped = true),
    totals: () => ({ ...totals }),
  };
}
