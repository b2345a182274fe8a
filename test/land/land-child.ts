/**
 * A land activity in a process of its own, which kills itself with SIGKILL after the named step of its nth cut.
 * Arguments: a JSON text `{ spec, share, step, nth }`.
 */
import { createLandActivities } from '../../activities/land-activities.ts';
import type { LandShare, LandStep } from '../../activities/land-ports.ts';
import { idlePulse, openSetting } from './setting.ts';

export interface ChildTask {
  share: LandShare;
  step: LandStep;
  nth: number;
}

const task = JSON.parse(process.argv[2] ?? '') as ChildTask;
const { ports } = await openSetting();
let seen = 0;
const onStep = (step: LandStep): Promise<void> => {
  if (step === task.step) seen += 1;
  if (seen === task.nth) process.kill(process.pid, 'SIGKILL');
  // The signal is dealt with before anything else goes on.
  return seen === task.nth ? new Promise(() => undefined) : Promise.resolve();
};
const report = await createLandActivities({ ...ports, onStep }, idlePulse).landPartitions(task.share);
process.stdout.write(JSON.stringify(report));
process.exit(0);
