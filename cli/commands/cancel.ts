/**
 * `headrace cancel WORKFLOW`: asks a workflow, and those below it, to end, and waits until it has. What is under way is taken
 * back or finished as a whole, so the same replay id goes on from there. Ctrl-C leaves the request standing.
 */
import type { WorkflowHandle } from '@temporalio/client';
import { fault } from '../../contracts/errors.ts';
import type { QueueName } from '../../contracts/temporal.ts';
import { awaitWorker } from '../await-worker.ts';
import type { CommonOptions } from '../common-options.ts';
import { settingsFor } from '../environment.ts';
import { EXIT } from '../exit-codes.ts';
import { CommandEnd } from '../failure.ts';
import { leaveWith } from '../interrupt.ts';
import { createOutput } from '../output.ts';
import { describeWorkflow } from '../start-workflow.ts';
import { statusText, type Temporal, withTemporal } from '../temporal.ts';

/** How its id's replay is gone on with; other workflows are simply started again. */
const GO_ON = /^(run|replay)\/[^/]+\/([^/]+)$/;
/** Their lanes are settled and their place is given up by a worker that reads. */
const GIVES_PLACE_UP = /^(run|replay|interval)\//;

export async function runCancel(named: string, options: CommonOptions): Promise<void> {
  const output = createOutput(options.json === true);
  if (named === '') throw fault('ConfigInvalid', 'the workflow’s id is empty; headrace status shows them');
  if (named.startsWith('land/')) {
    const why = 'lands for every run and replay of its dataset, which would wait for it';
    throw fault('ConfigInvalid', `${named} ${why}: end the asking with headrace land FILE --stop`);
  }
  const { temporal: settings } = settingsFor(options, ['temporal']);
  await withTemporal(settings, async (temporal) => {
    const { workflow } = temporal.client;
    const { id, runId, status: before } = await wholeOf(temporal, named);
    let status: string = before;
    if (before === 'RUNNING') {
      await workflow.getHandle(id).cancel(); // not by the run's id, which changes where it continues as new
      const told = id === named ? `${id}: asked to end` : `${named} is a part of ${id}, which is asked to end`;
      output.note(`${told}; what is under way is ended as a whole first`);
      const word = `${id} has been asked to end, and does so when a worker has seen it: headrace status`;
      const { interrupted, release } = leaveWith(() => new CommandEnd(EXIT.interrupted, 'Interrupted', word));
      const queues: QueueName[] = GIVES_PLACE_UP.test(id) ? ['orchestrate', 'read'] : ['orchestrate'];
      const waiting = { queues, output, interrupted, mayHire: false };
      // That one, and not one that somebody starts by the same id as soon as it has ended.
      status = await awaitWorker(temporal, waiting, () => endOf(workflow.getHandle(id, runId)));
      release();
    }
    const ended = statusText(status);
    output.result({ workflowId: id, status }, () =>
      before === 'RUNNING'
        ? `${id}: ${ended}${status === 'CANCELLED' ? goOn(id) : ''}`
        : `${id} had ended before: ${ended}`,
    );
  });
}

/**
 * The workflow of that id, or the one that it runs for: a run whose replay alone is cancelled would fail of it.
 * @throws Fault ConfigInvalid where there is none
 */
async function wholeOf(temporal: Temporal, id: string): Promise<{ id: string; runId: string; status: string }> {
  const found = await describeWorkflow(temporal, id);
  if (found === null) throw fault('ConfigInvalid', `${id}: no workflow of this id; headrace status shows them`);
  const { runId, status, parentExecution: parent } = found;
  if (status.name === 'RUNNING' && parent?.workflowId) {
    const whole = await wholeOf(temporal, parent.workflowId);
    if (whole.status === 'RUNNING') return whole;
  }
  return { id, runId, status: status.name };
}

const ENDS: Readonly<Record<string, string>> = {
  CancelledFailure: 'CANCELLED',
  TerminatedFailure: 'TERMINATED',
  TimeoutFailure: 'TIMED_OUT',
};

/** @returns how it ended, whatever it went on as */
async function endOf(handle: WorkflowHandle): Promise<string> {
  try {
    await handle.result();
    return 'COMPLETED';
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'WorkflowFailedError') throw error;
    return ENDS[error.cause instanceof Error ? error.cause.name : ''] ?? 'FAILED';
  }
}

function goOn(workflowId: string): string {
  const stays = '. What it published stays, in whole transactions; ';
  // Its next attempt is a replay of its own.
  if (workflowId.startsWith('interval/')) return `${stays}headrace backfill FILE runs the interval again`;
  const [, command, replayId] = GO_ON.exec(workflowId) ?? [];
  if (command === undefined) return '';
  return `${stays}go on, with the same rows and options, by:\n  headrace ${command} FILE --replay-id ${replayId}`;
}
