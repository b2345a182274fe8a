/** Verify's activity under the name that workflows call. */
import type { VerifyInput } from '../contracts/temporal.ts';
import type { Pulse } from './pulse.ts';
import { type PrunePorts, pruneExtra } from './verify-prune.ts';
import { verifyReplay } from './verify-replay.ts';

/** @param pulse of the running activity */
export function createVerifyActivities(ports: PrunePorts, pulse: () => Pulse) {
  return {
    verifyReplay: (input: VerifyInput) => verifyReplay(ports, input, pulse()),
    pruneExtra: (input: VerifyInput) => pruneExtra(ports, input, pulse()),
  };
}

export type VerifyActivities = ReturnType<typeof createVerifyActivities>;
