/**
 * `headrace cancel WORKFLOW`: asks a workflow, and those below it, to end, and waits until it has. What is under way is taken
 * back or finished as a whole, so the same replay id goes on from there. Ctrl-C leaves the request standing.
 */
import type { WorkflowHandle } from '@temporalio/client';
import { fault } from '../../contracts/errors.ts';
import { awaitWorker } from '../await-worker.ts';
import type { CommonOptions } from '../common-options.ts';
import { settingsFor } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandEnd } from '../failure.ts';
import { leaveWith } from '../interrupt.ts';
import { createOutput } from '../output.ts';
import { workflowStatus } from '../start-workflow.ts';
import { withTemporal } from '../temporal.ts';

/** How its id's replay is gone on with; other workflows are simply started again. */
const GO_ON = /^(run|replay)\/[^/]+\/([^/]+)$/;

export async function runCancel(workflowId: string, options: CommonOptions): Promise<void> {
  const output = createOutput(options.json === true);
  if (workflowId.startsWith('land/')) {
    const why = 'lands for every run and replay of its dataset, which would wait for it';
    throw fault('ConfigInvalid', `${workflowId} ${why}: end the asking with headrace land FILE --stop`);
  }
  const { temporal: settings } = settingsFor(options, ['temporal']);
  await withTemporal(settings, async (temporal) => {
    const before = await workflowStatus(temporal, workflowId);
    if (before === null)
      throw fault('ConfigInvalid', `${workflowId}: no workflow of this id; headrace status shows them`);
    const handle = temporal.client.workflow.getHandle(workflowId);
    if (before === 'RUNNING') {
      await handle.cancel();
      output.note(`${workflowId}: asked to end; what is under way is ended as a whole first`);
      const word = `${workflowId} has been asked to end, and does so when a worker has seen it: headrace status`;
      const { interrupted, release } = leaveWith(() => new CommandEnd(EXIT.interrupted, 'Interrupted', word));
      const waiting = { queues: ['orchestrate' as const], output, interrupted, mayHire: false };
      await awaitWorker(temporal, waiting, () => over(handle));
      release();
    }
    const status = (await handle.describe()).status.name;
    const ended = status.toLowerCase().replaceAll('_', ' ');
    output.result({ workflowId, status }, () =>
      before === 'RUNNING'
        ? `${workflowId}: ${ended}${goOn(status, workflowId)}`
        : `${workflowId} had ended before: ${ended}`,
    );
  });
}

/** However it ended. */
async function over(handle: WorkflowHandle): Promise<void> {
  await handle.result().catch((error: unknown) => {
    if (!(error instanceof Error) || error.name !== 'WorkflowFailedError') throw error;
  });
}

function goOn(status: string, workflowId: string): string {
  const [, command, replayId] = GO_ON.exec(workflowId) ?? [];
  if (status !== 'CANCELLED' || command === undefined) return '';
  return `. What it published stays, in whole transactions; go on with:\n  headrace ${command} FILE --replay-id ${replayId}`;
}
