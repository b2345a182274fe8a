/** What goes on while the local stack starts or stops: one line a service and a state, on standard error. */
import type { OnProgress } from '../stack/types.ts';
import type { Output } from './output.ts';

export function stackProgress(output: Output): OnProgress {
  return ({ service, state, seconds, detail }) => {
    output.note(`  ${service.padEnd(14)}${state.padEnd(10)}${seconds.toFixed(1).padStart(6)} s  ${detail}`.trimEnd());
  };
}
