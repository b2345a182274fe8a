/** `status` for people: a table of hops a pipeline, and a table of workflows. */
import { countText, countWith, numberText } from '../contracts/count-words.ts';
import type { HopCounts, PipelineLook } from '../contracts/inspect.ts';
import { bytesText, rateText, secondsText, tableText } from './output.ts';
import { workflowIds } from '../contracts/temporal.ts';
import type { WorkflowLook } from './workflow-list.ts';

/** @param workflows that say how a replay ended which the control database still has as under way; the latest of an id first */
export function pipelinesText(pipelines: readonly PipelineLook[], workflows: readonly WorkflowLook[]): string {
  if (pipelines.length === 0) return 'Nothing has been replayed yet.';
  const statuses = new Map<string, string>();
  for (const { workflowId, status } of workflows) if (!statuses.has(workflowId)) statuses.set(workflowId, status);
  const endOf = (workflowId: string): string | null => {
    const status = statuses.get(workflowId) ?? 'running';
    return status === 'running' ? null : status;
  };
  return pipelines
    .map((look) => pipelineText(look, (replayId) => endOf(workflowIds.replay(look.pipeline, replayId))))
    .join('\n\n');
}

/** @param endOf the status that a replay's workflow ended with; null: it runs, or nobody knows */
function pipelineText(look: PipelineLook, endOf: (replayId: string) => string | null): string {
  const { pipeline, topic, dataset, replay, open, lake, newColumns, landLag, load, loadLag, unreachable } = look;
  const replays = open.some(({ replayId }) => replayId === replay.replayId) ? open : [...open, replay];
  const hops = [
    ['land', numberText(lake.rows), '', lagText(landLag), lakeText(lake)],
    [
      'load',
      numberText(load.rows),
      rateText(load.rows, load.seconds),
      lagText(loadLag),
      `${countText(load.cuts, 'cut')}${load.lastAt === null ? '' : `, last ${ago(load.lastAt)}`}`,
    ],
  ];
  const alarms: string[] = [];
  if (lake.lost > 0)
    alarms.push(`  ${countWith(lake.lost, 'record', 'expired before it was', 'expired before they were')} landed`);
  if (lake.deadLetters > 0) alarms.push(`  ${countWith(lake.deadLetters, 'record', 'is', 'are')} in the dead letters`);
  if (newColumns !== null) {
    const names = newColumns.names.map((name) => `"${name}"`).join(', ');
    alarms.push(`  new in the source and the warehouse since ${ago(newColumns.since)}: ${names}`);
  }
  alarms.push(...unreachable.map((text) => `  ${text}`));
  return [
    `${pipeline}: topic ${topic}, lake ${dataset}`,
    tableText(
      ['replay', 'state', 'rows in the topic', 'chunks done', 'speed', 'time left'],
      replays.map((each) => replayRow(each, endOf(each.replayId))),
    ),
    tableText(['all replays', 'rows', 'speed', 'lag', ''], hops, ['left', 'right', 'right', 'right', 'left']),
    ...alarms,
  ].join('\n');
}

/** Its speed is that of the last minute; once it is published, of the whole. */
function replayRow(replay: HopCounts, end: string | null): string[] {
  const { replayId, state, startedAt, publishedAt, expected, replayed, chunks, rowsPerSecond } = replay;
  const ofAll = expected === null || publishedAt !== null ? '' : ` of about ${numberText(expected)}`;
  const skipped = chunks.skipped === 0 ? '' : `, ${numberText(chunks.skipped)} skipped`;
  const done = chunks.found === 0 ? '' : `${numberText(chunks.done)} of `;
  const found = chunks.found === 0 ? '' : chunks.all ? numberText(chunks.found) : `${numberText(chunks.found)} or more`;
  return [
    replayId,
    publishedAt !== null ? state : end !== null ? end : replay.paused ? `${state}, paused` : state,
    numberText(replayed) + ofAll,
    `${done}${found}${skipped}`,
    publishedAt === null
      ? rateText(rowsPerSecond, rowsPerSecond > 0 ? 1 : 0)
      : rateText(replayed, startedAt === null ? 0 : secondsBetween(startedAt, publishedAt)),
    publishedAt === null && end !== null ? `none: ${end}; run it again by its --replay-id` : leftText(replay),
  ];
}

function leftText({ publishedAt, secondsLeft, leftUnknown }: HopCounts): string {
  if (publishedAt !== null) return `ended ${ago(publishedAt)}`;
  return secondsLeft === null ? `unknown: ${leftUnknown}` : `about ${secondsText(secondsLeft)}`;
}

function lakeText({ cuts, objects, bytes }: PipelineLook['lake']): string {
  return `${countText(cuts, 'cut')}, ${countText(objects, 'file')}, ${bytesText(bytes)}`;
}

/** Lag counts offsets, of which some hold no record (transaction markers). */
const lagText = (lag: number | null): string => (lag === null ? '?' : numberText(lag));

function secondsBetween(from: string, to: string | null): number {
  return ((to === null ? Date.now() : Date.parse(to)) - Date.parse(from)) / 1000;
}

function ago(at: string): string {
  return `${secondsText(Math.max(0, secondsBetween(at, null)))} ago`;
}

export function workflowsText(workflows: readonly WorkflowLook[]): string {
  if (workflows.length === 0) return 'No workflow is there yet.';
  return tableText(
    ['workflow', 'status', 'phase', 'started', 'took'],
    workflows.map(({ workflowId, status, phase, startedAt, seconds }) => [
      workflowId,
      status,
      phase,
      `${startedAt.slice(0, 19).replace('T', ' ')}Z`,
      secondsText(seconds),
    ]),
    ['left', 'left', 'left', 'left', 'right'],
  );
}
