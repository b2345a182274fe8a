/**
 * What the running activity is at work on, in a person's words: on every line that it logs and every metric that it counts.
 * Work that an activity began keeps its scope, also where it goes on beside others.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { datasetOf, type PipelineSpec } from '../contracts/pipeline.ts';

export interface ActivityScope {
  activity: string;
  pipeline: string;
  replay?: string;
  chunk?: number;
  dataset?: string;
  partitions?: readonly number[];
}

const scopes = new AsyncLocalStorage<ActivityScope>();

export const withScope = <T>(scope: ActivityScope, work: () => T): T => scopes.run(scope, work);
export const scopeNow = (): ActivityScope | undefined => scopes.getStore();

/** The inputs of our activities are objects that name what they are for; what one does not name, the workflow's id may. */
export function scopeOf(activity: string, workflowId: string, args: readonly unknown[]): ActivityScope {
  const [input] = args;
  const named = (typeof input === 'object' && input !== null ? input : {}) as Partial<Named>;
  const [kind, pipeline = '', replay] = workflowId.split('/');
  const ofReplay = kind === 'replay' || kind === 'run';
  const replayId = named.replayId ?? (ofReplay ? replay : undefined);
  return {
    activity,
    pipeline: named.spec?.name ?? (kind === 'land' ? '' : pipeline),
    ...(replayId === undefined ? {} : { replay: replayId }),
    ...(named.chunk === undefined ? {} : { chunk: named.chunk }),
    ...(named.spec === undefined ? {} : { dataset: datasetOf(named.spec.lake) }),
    ...(named.partitions === undefined ? {} : { partitions: named.partitions }),
  };
}

interface Named {
  spec: PipelineSpec;
  replayId: string;
  chunk: number;
  partitions: readonly number[];
}
