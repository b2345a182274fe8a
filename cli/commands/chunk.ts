/** `headrace retry WORKFLOW --chunk N` and `skip`: one chunk of a replay that runs; the others are not held up. */
import { UPDATES, type RetryChunk, type SkipChunk } from '../../contracts/temporal.ts';
import { fault, messageOf } from '../../contracts/errors.ts';
import type { CommonOptions } from '../common-options.ts';
import { settingsFor } from '../environment.ts';
import { createOutput } from '../output.ts';
import { replayWorkflowOf } from '../replay-of.ts';
import { withTemporal } from '../temporal.ts';

export interface ChunkOptions extends CommonOptions {
  chunk: number;
  /** Of a chunk to be skipped; absent: it is tried again. */
  reason?: string;
}

export async function runChunk(named: string, { chunk, reason, ...options }: ChunkOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const workflowId = replayWorkflowOf(named);
  const { temporal: settings } = settingsFor(options, ['temporal']);
  const request: RetryChunk | SkipChunk = reason === undefined ? { chunk } : { chunk, reason };
  const update = reason === undefined ? UPDATES.retryChunk : UPDATES.skipChunk;
  const answer = await withTemporal(settings, async ({ client }) => {
    try {
      return await client.workflow
        .getHandle(workflowId)
        .executeUpdate<string, [typeof request]>(update, { args: [request] });
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'WorkflowUpdateFailedError') throw error;
      throw fault('ConfigInvalid', `${workflowId}: ${messageOf(error.cause ?? error)}`, error);
    }
  });
  output.result({ workflowId, chunk, answer }, () => `${workflowId}: ${answer}`);
}
