/**
 * The steps of a run at which it can be stopped: every effect of every hop, by what is seen of it on the wire. `before` is
 * when its request is about to reach the service, `after` when the service has carried it out and nobody was told yet.
 */
import type { Exchange, LinkName } from './exchanges.ts';

export type Hop = 'plan' | 'read' | 'land' | 'load' | 'orchestrate';

export interface Step {
  hop: Hop;
  name: string;
  link: LinkName;
  what: RegExp;
  /** The seed chooses which time is stopped at: from…to, all of them certain to come. Default: the first. */
  times: readonly [number, number];
}

/** @param times the last time that may be chosen, or the first and the last */
function step(
  hop: Hop,
  name: string,
  link: LinkName,
  what: RegExp,
  times: number | readonly [number, number] = 1,
): Step {
  return { hop, name, link, what, times: typeof times === 'number' ? [1, times] : times };
}

/** In the order of a run. */
export const STEPS: readonly Step[] = [
  step('plan', 'table described', 'source', /pg_attribute|pg_index/),
  step('plan', 'topic made', 'kafka', /^CreateTopics$/),
  step('plan', 'store probed', 's3', /^PUT .*\/probe/),
  step('plan', 'table made', 'warehouse', /^CREATE TABLE.*mart/),
  step('plan', 'schema stored', 'control', /^INSERT INTO headrace\.schema_version/),
  step('plan', 'manifest started', 'control', /^INSERT INTO headrace\.manifest_partition .*'planning'/),
  step('plan', 'plan stored', 'control', /^INSERT INTO headrace\.replay /),
  step('plan', 'place taken', 'control', /^INSERT INTO headrace\.publishing/),
  step('plan', 'chunk bounds stored', 'control', /^INSERT INTO headrace\.chunk/, 6),
  step('plan', 'ends stored', 'control', /^WITH ended AS \(UPDATE headrace\.replay/),

  step('read', 'begun', 'control', /^INSERT INTO headrace\.lane_transaction/, 6),
  step('read', 'older producers fenced', 'kafka', /^InitProducerId$/, 8),
  step('read', 'progress read', 'kafka', /^OffsetFetch$/, 8),
  step('read', 'rows read', 'source', /^COPY \(.*(?<!LIMIT 1\) TO STDOUT)$/, 6),
  step('read', 'partitions added', 'kafka', /^AddPartitionsToTxn$/, 6),
  step('read', 'rows sent', 'kafka', /^Produce$/, 15),
  step('read', 'group added', 'kafka', /^AddOffsetsToTxn$/, 6),
  step('read', 'progress sent', 'kafka', /^TxnOffsetCommit$/, 6),
  step('read', 'EndTxn', 'kafka', /^EndTxn$/, 6),
  step('read', 'outcome noted', 'control', /^UPDATE headrace\.lane_transaction SET state = 'done'/, 6),

  step('land', 'claimed', 'control', /^INSERT INTO headrace\.manifest_partition AS p/, 3),
  step('land', 'records fetched', 'kafka', /^Fetch$/, 10),
  step('land', 'intent', 'control', /^WITH p AS \( UPDATE headrace\.manifest_partition SET next = next.*'open'/, 6),
  step('land', 'object put', 's3', /^PUT .*\.parquet/, 6),
  step('land', 'sealed', 'control', /^WITH locked AS .*'sealed'/, 6),
  step('land', 'lag committed', 'kafka', /^OffsetCommit$/, 2),

  step('load', 'object read', 's3', /^GET .*\.parquet/, 8),
  step('load', 'rows copied', 'warehouse', /^COPY pg_temp/, 2),
  step('load', 'ledger moved', 'warehouse', /^UPDATE headrace\.ledger/, 2),
  step('load', 'rows written', 'warehouse', /^INSERT INTO "mart"|^INSERT INTO mart/, 2),
  // The first is that of the table's making.
  step('load', 'committed', 'warehouse', /^COMMIT$/, [2, 2]),

  step('orchestrate', 'replay planned', 'temporal', /^RespondActivityTaskCompleted planReplay/),
  step('orchestrate', 'landing asked for', 'temporal', /^ExecuteMultiOperation/),
  step(
    'orchestrate',
    'hops scheduled',
    'temporal',
    /^RespondWorkflowTaskCompleted .*START_CHILD_WORKFLOW_EXECUTION replayTable/,
  ),
  step(
    'orchestrate',
    'chunk scheduled',
    'temporal',
    /^RespondWorkflowTaskCompleted .*SCHEDULE_ACTIVITY_TASK publishChunk/,
    3,
  ),
  step('orchestrate', 'chunk told done', 'temporal', /^RespondActivityTaskCompleted publishChunk/, 6),
  step('orchestrate', 'continued as new', 'temporal', /CONTINUE_AS_NEW/),
  step('orchestrate', 'load told done', 'temporal', /^RespondActivityTaskCompleted loadSealed/),
  step('orchestrate', 'verify told done', 'temporal', /^RespondActivityTaskCompleted verify/),
];

export const isStep = (wanted: Step, { link, what }: Exchange): boolean =>
  link === wanted.link && wanted.what.test(what);
