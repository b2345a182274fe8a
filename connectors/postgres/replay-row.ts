/** A row of headrace.replay, and the replay it stands for. */
import type { PlannedReplay, ReplayState } from '../../activities/ports/replays.ts';
import type { Column, Key } from '../../contracts/columns.ts';
import type { PipelineSpec } from '../../contracts/pipeline.ts';
import type { ReplayScope } from '../../contracts/replay.ts';

export interface ReplayRow {
  replay_id: string;
  nonce: string;
  pipeline: string;
  workflow_id: string;
  spec: PipelineSpec;
  scope: ReplayScope;
  columns: Column[];
  key: string[];
  schema_version: string;
  topic_id: string;
  partitions: number;
  lane_modulus: number;
  order_by: string[] | null;
  after_key: Key | null;
  upper_key: Key | null;
  null_event_rows: string;
  estimated_rows: string;
  source_snapshot: string;
  state: ReplayState;
}

export function toReplay(row: ReplayRow): PlannedReplay {
  return {
    replayId: row.replay_id,
    nonce: row.nonce,
    pipeline: row.pipeline,
    workflowId: row.workflow_id,
    spec: row.spec,
    scope: row.scope,
    shape: { columns: row.columns, key: row.key },
    schemaVersion: row.schema_version,
    topicId: row.topic_id,
    partitions: row.partitions,
    laneModulus: row.lane_modulus,
    order: row.order_by,
    afterKey: row.after_key,
    upperKey: row.upper_key,
    nullEventRows: Number(row.null_event_rows),
    estimatedRows: Number(row.estimated_rows),
    sourceSnapshot: row.source_snapshot,
  };
}
