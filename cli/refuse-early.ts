/**
 * What `plan` would refuse is told before a workflow is started that no worker is there to plan: it would wait for one, only to be
 * refused by it. Only what a person must mend counts: a service that this process cannot reach a worker may reach.
 */
import { fault } from '../contracts/errors.ts';
import type { PipelineSpec } from '../contracts/pipeline.ts';
import type { Settings } from '../contracts/settings.ts';
import type { ReplayInput } from '../contracts/temporal.ts';
import { serviceAddresses, unreachable } from '../workers/reachable.ts';
import { withInspector } from './inspection.ts';
import type { Output } from './output.ts';

/** @throws Fault ConfigInvalid of all that stands in the way */
export async function refuseEarly(
  settings: Settings,
  spec: PipelineSpec,
  { scope, speed }: Pick<ReplayInput, 'scope' | 'speed'>,
  output: Output,
): Promise<void> {
  if ((await unreachable(serviceAddresses(settings, spec))).length > 0) return;
  const look = withInspector(settings, output, (inspector) => inspector.readPlan(spec, scope, speed));
  const plan = await look.catch(() => null); // what broke the look is the worker's to meet
  const lasting = plan?.faults.filter((text) => !plan.passing.includes(text)) ?? [];
  if (lasting.length === 0) return;
  const [only, second] = lasting;
  const told = second === undefined ? only : `pipeline ${spec.name} cannot run:\n- ${lasting.join('\n- ')}`;
  throw fault('ConfigInvalid', `${told}\nNothing was started.`);
}
