/** The load hop's activities under the names that workflows call. */
import type { LoadPorts } from './load-run.ts';
import { type LoadRequest, loadSealed } from './load-sealed.ts';
import type { Pulse } from './pulse.ts';

/** @param pulse of the running activity */
export function createLoadActivities(ports: LoadPorts, pulse: () => Pulse) {
  return {
    loadSealed: (request: LoadRequest) => loadSealed(ports, request, pulse()),
  };
}

export type LoadActivities = ReturnType<typeof createLoadActivities>;
