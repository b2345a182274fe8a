/**
 * `generateEvents`: turns of generating until the end that was asked for, or until it is stopped. How far it is, is kept where
 * the events go; here is only the pace. While it is paused, time stands still for it: it goes on with the next event.
 */
import {
  ActivityCancellationType,
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { GenerateActivities } from '../activities/generate-events.ts';
import { countText } from '../contracts/count-words.ts';
import type { GenerateInput, GenerateReport, GenerateRequest } from '../contracts/generate.ts';
import { PROGRESS_QUERY, type Progress, SEARCH_ATTRIBUTES, SIGNALS } from '../contracts/temporal.ts';
import { longWork } from './activity-options.ts';
import { say } from './details.ts';

/** A turn begins with making the events again that are there: about a second a million. An hour is 60 turns, 400 events of history. */
const TURN_MS = 60_000;

/** A wait so long is told: the shop is closed. */
const IDLE_MS = 60_000;

export const pauseSignal = defineSignal(SIGNALS.pause);
export const resumeSignal = defineSignal(SIGNALS.resume);
export const stopSignal = defineSignal(SIGNALS.stop);
export const generateProgressQuery = defineQuery<Progress>(PROGRESS_QUERY);

const { generateSome } = proxyActivities<GenerateActivities>({
  ...longWork('read'),
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
});

export interface GenerateState {
  request: GenerateRequest;
  report: GenerateReport;
  paused: boolean;
}

export async function generateEvents(input: GenerateInput, carried?: GenerateState): Promise<GenerateReport> {
  let request = carried?.request ?? begun(input);
  let report: GenerateReport = carried?.report ?? { ended: 'interrupted', counts: {}, main: 0, at: null };
  const wanted = { paused: carried?.paused ?? false, stopped: false };
  let phase = 'generating';
  let turn = new CancellationScope();
  const text = (): string => {
    const reached = report.at === null ? '' : `, up to ${new Date(report.at / 1_000).toISOString()}`;
    const { next } = report;
    const idle =
      next === undefined || next.due - Date.now() < IDLE_MS
        ? ''
        : `; nothing until ${new Date(next.at / 1_000).toISOString()}`;
    return `${phase} ${request.profile}: ${countText(report.main, 'event')}${reached}${idle}`;
  };
  const enter = (next: string): void => {
    phase = next;
    upsertSearchAttributes({ [SEARCH_ATTRIBUTES.phase]: [next] });
    say(text());
  };
  setHandler(pauseSignal, () => {
    wanted.paused = true;
    turn.cancel();
  });
  setHandler(resumeSignal, () => void (wanted.paused = false));
  setHandler(stopSignal, () => {
    wanted.stopped = true;
    turn.cancel();
  });
  setHandler(generateProgressQuery, () => ({ phase, paused: wanted.paused, rows: report.main, text: text() }));
  upsertSearchAttributes({ [SEARCH_ATTRIBUTES.pipeline]: [request.profile] });
  enter(phase);

  while (!wanted.stopped && report.ended !== 'complete') {
    if (wanted.paused) {
      enter('paused');
      await condition(() => !wanted.paused || wanted.stopped);
      request = movedOn(request, report.at);
      // Said anew by a stop as well: the end says more a moment later.
      enter('generating');
      continue;
    }
    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof generateEvents>(input, { request, report, paused: wanted.paused });
    }
    turn = new CancellationScope();
    const { replace } = input;
    report = await turn
      .run(() => generateSome.executeWithOptions({ summary: text() }, [{ request, replace, turn: TURN_MS }]))
      .catch((error: unknown) => {
        // Told to stop before a worker had taken it.
        if (isCancellation(error) && (wanted.paused || wanted.stopped)) return report;
        throw error;
      });
    say(text());
  }
  enter(report.ended === 'complete' ? 'generated' : 'stopped');
  await condition(allHandlersFinished);
  return report;
}

function begun({ request, startsNow }: GenerateInput): GenerateRequest {
  const id = request.id ?? workflowInfo().firstExecutionRunId;
  const now = Date.now();
  const start = startsNow ? now * 1_000 : request.start;
  const { pace } = request;
  if (pace === undefined) return { ...request, id, start };
  const event = startsNow ? start : pace.origin.event;
  return { ...request, id, start, pace: { ...pace, origin: { wall: now, event } } };
}

/** After a pause the next event is due now, not long ago. */
function movedOn(request: GenerateRequest, at: number | null): GenerateRequest {
  const { pace } = request;
  if (pace === undefined) return request;
  return { ...request, pace: { ...pace, origin: { wall: Date.now(), event: at ?? pace.origin.event } } };
}
