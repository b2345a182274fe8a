/** What a request means to a model: form, end and span. */
import type { GenerateRequest, GenerateTarget } from '../contracts/generate.ts';
import type { Goal } from './drive.ts';
import type { Form, Span } from './model.ts';
import { DAY } from './times.ts';

/** Tables refer to each other; messages and lines carry everything that they need. */
export const formOf = ({ kind }: GenerateTarget): Form => (kind === 'db' ? 'relational' : 'nested');

export function goalOf({ events, days, start }: Pick<GenerateRequest, 'events' | 'days' | 'start'>): Goal {
  return {
    ...(events === undefined ? {} : { events }),
    ...(days === undefined ? {} : { until: start + Math.round(days * DAY) }),
  };
}

/** So many events in so many days say how many a day; one of the two alone is only an end. */
export function spanOf({ events, days, pace }: GenerateRequest): { span?: Span } {
  return events === undefined || days === undefined || pace !== undefined ? {} : { span: { events, days } };
}
