/** Verify's activity under the name that workflows call. */
import type { VerifyInput } from '../contracts/temporal.ts';
import type { Pulse } from './pulse.ts';
import { type VerifyPorts, verifyReplay } from './verify-replay.ts';

/** @param pulse of the running activity */
export function createVerifyActivities(ports: VerifyPorts, pulse: () => Pulse) {
  return {
    verifyReplay: (input: VerifyInput) => verifyReplay(ports, input, pulse()),
  };
}

export type VerifyActivities = ReturnType<typeof createVerifyActivities>;
