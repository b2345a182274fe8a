/**
 * Replays in the control database. One statement a call; what decides is decided inside the statement, so two processes
 * (or one that died and its successor) get one answer.
 */
import type pg from 'pg';
import type { PlannedReplay, Replays, ReplayState } from '../../activities/ports/replays.ts';
import type { Key } from '../../contracts/columns.ts';
import { fault } from '../../contracts/errors.ts';
import type { Chunk, PartitionEnds } from '../../contracts/replay.ts';
import { openLaneTransactions } from './lane-transactions.ts';
import { newestSchema } from './newest-schema.ts';
import { query } from './pool.ts';
import { openPace } from './replay-pace.ts';
import { type ReplayRow, toReplay } from './replay-row.ts';

interface ChunkRow {
  chunk: number;
  after_key: Key | null;
  up_to_key: Key;
  skipped: boolean;
}
type SkippableChunk = Chunk & { skipped: boolean };

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));
const toChunk = (row: ChunkRow): SkippableChunk => ({
  chunk: row.chunk,
  after: row.after_key,
  upTo: row.up_to_key,
  skipped: row.skipped,
});

export function openReplays(pool: pg.Pool): Replays {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  const lanes = openLaneTransactions(pool);

  async function get(replayId: string): Promise<PlannedReplay & { state: ReplayState }> {
    const rows = await ask<ReplayRow>('reading the replay', 'SELECT * FROM headrace.replay WHERE replay_id = $1', [
      replayId,
    ]);
    const row = rows[0];
    if (!row)
      throw fault(
        'ReplayUnknown',
        `replay ${replayId} is not in the control database; headrace status lists those that are`,
      );
    return { ...toReplay(row), state: row.state };
  }

  async function ends(replayId: string): Promise<PartitionEnds | null> {
    const rows = await ask<{ partition: number; end_offset: string }>(
      'reading the replay’s ends',
      'SELECT partition, end_offset FROM headrace.replay_end WHERE replay_id = $1 ORDER BY partition',
      [replayId],
    );
    return rows.length === 0 ? null : Object.fromEntries(rows.map((row) => [row.partition, Number(row.end_offset)]));
  }

  async function chunkWhere(condition: string, values: readonly unknown[]): Promise<SkippableChunk | null> {
    const rows = await ask<ChunkRow>(
      'reading a chunk',
      `SELECT chunk, after_key, up_to_key, skipped_at IS NOT NULL AS skipped FROM headrace.chunk WHERE replay_id = $1 ${condition}`,
      values,
    );
    return rows[0] ? toChunk(rows[0]) : null;
  }

  return {
    ...lanes,
    ...openPace(pool),
    get,
    ends,
    async plan(replay) {
      await ask(
        'storing the plan',
        `INSERT INTO headrace.replay (replay_id, nonce, pipeline, workflow_id, spec, scope, columns, key, schema_version, topic_id,
           partitions, lane_modulus, upper_key, null_event_rows, estimated_rows, source_snapshot, order_by, after_key, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, 'planned') ON CONFLICT (replay_id) DO NOTHING`,
        [
          replay.replayId,
          replay.nonce,
          replay.pipeline,
          replay.workflowId,
          json(replay.spec),
          json(replay.scope),
          json(replay.shape.columns),
          json(replay.shape.key),
          replay.schemaVersion,
          replay.topicId,
          replay.partitions,
          replay.laneModulus,
          json(replay.upperKey),
          replay.nullEventRows,
          replay.estimatedRows,
          replay.sourceSnapshot,
          json(replay.order),
          json(replay.afterKey),
        ],
      );
      return get(replay.replayId);
    },
    async find(replayId) {
      const rows = await ask<ReplayRow>('reading the replay', 'SELECT * FROM headrace.replay WHERE replay_id = $1', [
        replayId,
      ]);
      return rows[0] ? toReplay(rows[0]) : null;
    },
    async ownerOf(what, name) {
      const rows = await ask<{ pipeline: string }>(
        `reading who owns ${what} ${name}`,
        'SELECT pipeline FROM headrace.owner WHERE what = $1 AND name = $2',
        [what, name],
      );
      return rows[0]?.pipeline ?? null;
    },
    async own(what, name, pipeline) {
      const rows = await ask<{ pipeline: string }>(
        `entering the owner of ${what} ${name}`,
        `INSERT INTO headrace.owner AS o (what, name, pipeline) VALUES ($1, $2, $3)
         ON CONFLICT (what, name) DO UPDATE SET pipeline = o.pipeline RETURNING pipeline`,
        [what, name, pipeline],
      );
      return rows[0]?.pipeline ?? pipeline;
    },
    async startManifest(dataset, topic, topicId, starts) {
      const partitions = Object.keys(starts).map(Number);
      await ask(
        'starting the manifest',
        `INSERT INTO headrace.manifest_partition (dataset, topic_id, partition, topic, log_start, next, generation, token, claimed_by)
         SELECT $1, $2, p, $3, s, s, 0, gen_random_uuid(), 'planning' FROM unnest($4::int[], $5::bigint[]) AS given (p, s)
         ON CONFLICT (dataset, topic_id, partition) DO NOTHING`,
        [dataset, topicId, topic, partitions, partitions.map((partition) => starts[partition])],
      );
    },
    async hashPartitions(pipeline, topicId, partitions) {
      // DO UPDATE to itself, so that the row is returned whether it was there or not.
      const rows = await ask<{ partitions: number }>(
        'fixing the partition count',
        `INSERT INTO headrace.topic_hash AS t (pipeline, topic_id, partitions) VALUES ($1, $2, $3)
         ON CONFLICT (pipeline, topic_id) DO UPDATE SET partitions = t.partitions RETURNING partitions`,
        [pipeline, topicId, partitions],
      );
      return rows[0]?.partitions ?? partitions;
    },
    newestSchema: (dataset) => newestSchema(pool, dataset),
    async saveSchema(dataset, version, shape) {
      await ask(
        'storing the schema version',
        'INSERT INTO headrace.schema_version (dataset, version, columns, key) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
        [dataset, version, json(shape.columns), json(shape.key)],
      );
    },

    async startPublishing(replayId) {
      const replay = await get(replayId);
      if (replay.state === 'publishing' || replay.state === 'published') return null;
      if (replay.state === 'abandoned') {
        throw fault(
          'ReplayAbandoned',
          `replay ${replayId} was abandoned when a later one took its place; start a new one`,
        );
      }
      const taken = await ask(
        'starting to publish',
        `INSERT INTO headrace.publishing (pipeline, replay_id) VALUES ($1, $2) ON CONFLICT (pipeline) DO NOTHING RETURNING pipeline`,
        [replay.pipeline, replayId],
      );
      const holder = await ask<{ replay_id: string; workflow_id: string }>(
        'reading who publishes',
        `SELECT replay_id, workflow_id FROM headrace.publishing JOIN headrace.replay USING (replay_id) WHERE publishing.pipeline = $1`,
        [replay.pipeline],
      );
      const who = holder[0];
      if (taken.length === 0 && who?.replay_id !== replayId) {
        return who ? { replayId: who.replay_id, workflowId: who.workflow_id } : { replayId: '', workflowId: '' };
      }
      await ask(
        'starting to publish',
        `UPDATE headrace.replay SET state = 'publishing' WHERE replay_id = $1 AND state = 'planned'`,
        [replayId],
      );
      return null;
    },
    async abandon(replayId) {
      // A begin that is under way holds the row FOR SHARE: this waits for it, and every later one sees the new state.
      await ask(
        'abandoning the replay',
        `UPDATE headrace.replay SET state = 'abandoned' WHERE replay_id = $1 AND state <> 'published'`,
        [replayId],
      );
      return lanes.openLanes(replayId);
    },
    async withdraw(replayId) {
      await ask(
        'withdrawing the replay',
        `UPDATE headrace.replay SET state = 'planned' WHERE replay_id = $1 AND state = 'publishing'`,
        [replayId],
      );
      return lanes.openLanes(replayId);
    },
    async finishPublishing(replayId, given) {
      const partitions = Object.keys(given).map(Number);
      await ask(
        'storing the replay’s ends',
        `WITH ended AS (UPDATE headrace.replay SET state = 'published', published_at = now() WHERE replay_id = $1 AND state = 'publishing' RETURNING replay_id)
         INSERT INTO headrace.replay_end (replay_id, partition, end_offset)
         SELECT replay_id, p, e FROM ended, unnest($2::int[], $3::bigint[]) AS given (p, e) ON CONFLICT DO NOTHING`,
        [replayId, partitions, partitions.map((partition) => given[partition])],
      );
      await this.release(replayId);
      const stored = await ends(replayId);
      if (!stored)
        throw fault('ReplayAbandoned', `replay ${replayId} was abandoned while it published; start a new one`);
      return stored;
    },
    async release(replayId) {
      await ask(
        'giving the publishing place up',
        `DELETE FROM headrace.publishing USING headrace.replay r
         WHERE publishing.replay_id = $1 AND r.replay_id = $1 AND r.state <> 'publishing'`,
        [replayId],
      );
    },

    async skipChunk(replayId, chunk, why, by) {
      await ask(
        'noting that a chunk is skipped',
        `UPDATE headrace.chunk SET skipped_at = now(), skip_reason = $3, skipped_by = $4
         WHERE replay_id = $1 AND chunk = $2 AND skipped_at IS NULL`,
        [replayId, chunk, why, by],
      );
    },

    chunk: (replayId, chunk) => chunkWhere('AND chunk = $2', [replayId, chunk]),
    lastChunk: (replayId) => chunkWhere('ORDER BY chunk DESC LIMIT 1', [replayId]),
    async saveChunk(replayId, chunk) {
      await ask(
        'storing a chunk',
        'INSERT INTO headrace.chunk (replay_id, chunk, after_key, up_to_key) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
        [replayId, chunk.chunk, json(chunk.after), json(chunk.upTo)],
      );
      return (await chunkWhere('AND chunk = $2', [replayId, chunk.chunk])) ?? chunk;
    },
  };
}
