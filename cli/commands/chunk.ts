/** `headrace retry WORKFLOW --chunk N` and `skip`: one chunk of a replay that runs; the others are not held up. */
import { hostname, userInfo } from 'node:os';
import { UPDATES, type RetryChunk, type SkipChunk } from '../../contracts/temporal.ts';
import { askReplay } from '../ask-replay.ts';
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

/** As the record of a skipped chunk names people. */
function whoAmI(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    return hostname(); // a user id without an entry in the system's list: usual in containers
  }
}

export async function runChunk(named: string, { chunk, reason, ...options }: ChunkOptions): Promise<void> {
  const output = createOutput(options.json === true);
  const workflowId = replayWorkflowOf(named);
  const { temporal: settings } = settingsFor(options, ['temporal']);
  const request: RetryChunk | SkipChunk = reason === undefined ? { chunk } : { chunk, reason, by: whoAmI() };
  const update = reason === undefined ? UPDATES.retryChunk : UPDATES.skipChunk;
  const answer = await withTemporal(settings, ({ client }) =>
    askReplay(client.workflow.getHandle(workflowId), workflowId, update, request),
  );
  output.result({ workflowId, chunk, answer }, () => `${workflowId}: ${answer}`);
}
