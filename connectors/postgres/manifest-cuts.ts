/**
 * Claims and cuts. Every change is one autocommitted statement that locks the partition's row first and the cut's second
 * (one order: no deadlocks), and rechecks token and `next` on the newest version of the row: an UPDATE and a SELECT … FOR
 * UPDATE do that after a lock wait, a plain SELECT would not.
 */
import type pg from 'pg';
import type {
  Claim,
  ClaimRequest,
  Intent,
  IntentAnswer,
  Manifest,
  PartitionState,
} from '../../activities/ports/manifest.ts';
import { fault } from '../../contracts/errors.ts';
import { CUT_JSON, type CutJson, toCut } from './manifest-rows.ts';
import { query } from './pool.ts';

const CLAIM_SQL = `
  INSERT INTO headrace.manifest_partition AS p
    (dataset, topic_id, partition, topic, log_start, next, generation, token, claimed_by)
  VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)
  ON CONFLICT (dataset, topic_id, partition) DO UPDATE
    SET generation = excluded.generation, token = excluded.token, claimed_by = excluded.claimed_by, claimed_at = now()
    WHERE p.generation <= excluded.generation
  RETURNING p.id`;

const STATE_SQL = `
  SELECT p.partition, p.token, p.next,
         (SELECT ${CUT_JSON} FROM headrace.cut c WHERE c.partition_id = p.id AND c.state = 'open') AS open
  FROM headrace.manifest_partition p WHERE p.id = $1`;

/** $1 partition id, $2 start, $3 token, $4 end, $5 … the cut. The UPDATE changes nothing: it locks and rechecks. */
const INTENT_SQL = `
  WITH p AS (
    UPDATE headrace.manifest_partition SET next = next WHERE id = $1 AND next = $2 AND token = $3 RETURNING id)
  INSERT INTO headrace.cut (partition_id, start_offset, end_offset, attempt, state, reason, rows, bytes, objects,
                            input_sha256, encoder, schema_version, dead_letters)
  SELECT p.id, $2, $4, (SELECT coalesce(max(attempt), -1) + 1 FROM headrace.cut
                        WHERE partition_id = $1 AND start_offset = $2),
         'open', $5, $6, $7, $8, $9, $10, $11, $12
  FROM p
  ON CONFLICT (partition_id) WHERE state = 'open' DO NOTHING
  RETURNING attempt`;

/** The exclusion constraint on ranges makes it fail whole if an open intent appears beside it. */
const EMPTY_SQL = `
  WITH p AS (
    UPDATE headrace.manifest_partition SET next = $4 WHERE id = $1 AND next = $2 AND token = $3
      AND NOT EXISTS (SELECT FROM headrace.cut WHERE partition_id = $1 AND state = 'open')
    RETURNING id)
  INSERT INTO headrace.cut (partition_id, start_offset, end_offset, attempt, state, reason, rows, bytes, objects,
                            input_sha256, encoder, schema_version, dead_letters, sealed_at)
  SELECT p.id, $2, $4, (SELECT coalesce(max(attempt), -1) + 1 FROM headrace.cut
                        WHERE partition_id = $1 AND start_offset = $2),
         'sealed', $5, $6, $7, $8, $9, $10, $11, $12, now()
  FROM p
  RETURNING attempt`;

const SEAL_SQL = `
  WITH locked AS (SELECT id FROM headrace.manifest_partition WHERE id = $1 FOR UPDATE),
  sealed AS (
    UPDATE headrace.cut c SET state = 'sealed', sealed_at = now() FROM locked
    WHERE c.partition_id = locked.id AND c.start_offset = $2 AND c.attempt = $3 AND c.state = 'open'
    RETURNING c.partition_id, c.start_offset, c.end_offset)
  UPDATE headrace.manifest_partition p SET next = sealed.end_offset FROM sealed
  WHERE p.id = sealed.partition_id AND p.next = sealed.start_offset
  RETURNING p.next`;

const VOID_SQL = `
  WITH locked AS (SELECT id FROM headrace.manifest_partition WHERE id = $1 AND token = $4 FOR UPDATE)
  UPDATE headrace.cut c SET state = 'void' FROM locked
  WHERE c.partition_id = locked.id AND c.start_offset = $2 AND c.attempt = $3 AND c.state = 'open'
  RETURNING c.attempt`;

/** Walks the cut's primary key backwards from $2 to the first cut with an object: a few rows. Alias `p` is the partition. */
const BEFORE_SQL = `
  WITH before AS (
    SELECT p.log_start, greatest(p.log_start,
             (SELECT c.end_offset FROM headrace.cut c WHERE c.partition_id = p.id AND c.start_offset < $2
                AND c.state IN ('sealed', 'expired') AND jsonb_array_length(c.objects) > 0 ORDER BY c.start_offset DESC LIMIT 1),
             (SELECT max(l.end_offset) FROM headrace.lost l WHERE l.partition_id = p.id AND l.start_offset < $2)) AS since
    FROM headrace.manifest_partition p WHERE p.id = $1)
  SELECT log_start, since, (SELECT coalesce(sum(dead_letters), 0) FROM headrace.cut c WHERE c.partition_id = $1 AND c.state IN ('sealed', 'expired')
                   AND c.start_offset >= since AND c.start_offset < $2) AS letters
  FROM before`;

/** The exclusion constraint spoke up (SQLSTATE 23P01): a range is there already. */
function isOverlap(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : { cause: undefined };
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === '23P01';
}

type CutPart = Pick<Manifest, 'claim' | 'state' | 'generation' | 'intend' | 'sealEmpty' | 'seal' | 'before' | 'void'>;

export function manifestCuts(pool: pg.Pool): CutPart {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);

  async function state({ id }: Pick<Claim, 'id'>): Promise<PartitionState> {
    const [row] = await ask<{ partition: number; token: string; next: string; open: CutJson | null }>(
      'reading the manifest',
      STATE_SQL,
      [id],
    );
    if (!row) throw fault('ManifestConflict', `partition ${id} is gone from the manifest; restore it from a backup`);
    return { token: row.token, next: Number(row.next), open: row.open && toCut(row.partition, row.open) };
  }

  async function claim(request: ClaimRequest): Promise<Claim | null> {
    const { dataset, topicId, topic, partition, generation, token, claimedBy, logStart } = request;
    const [row] = await ask<{ id: string }>(`claiming partition ${partition} of ${dataset}`, CLAIM_SQL, [
      dataset,
      topicId,
      partition,
      topic,
      logStart,
      generation,
      token,
      claimedBy,
    ]);
    if (!row) return null;
    // Asked in a second statement: an intent that the claim had to wait for is not in the claim's own snapshot.
    const now = await state(row);
    return now.token === token ? { id: row.id, partition, token, next: now.next, open: now.open } : null;
  }

  /** Why an intent did not come about. */
  async function explain(claimed: Claim, intent: Intent): Promise<IntentAnswer> {
    const now = await state(claimed);
    if (now.token !== claimed.token) return { kind: 'refused' };
    if (now.open) return { kind: 'open', cut: now.open };
    if (now.next !== intent.start) return { kind: 'moved', next: now.next };
    throw fault(
      'ManifestConflict',
      `cut [${intent.start}, ${intent.end}) of partition ${claimed.partition} overlaps one that is sealed, although the ` +
        `manifest stands at ${now.next}: restore headrace.cut and headrace.manifest_partition from one backup`,
    );
  }

  async function open(sql: string, claimed: Claim, intent: Intent): Promise<IntentAnswer> {
    const range = `[${intent.start}, ${intent.end}) of partition ${claimed.partition}`;
    const doing = `recording cut ${range}`;
    const rows = await ask<{ attempt: number }>(doing, sql, [
      claimed.id,
      intent.start,
      claimed.token,
      intent.end,
      intent.reason,
      intent.rows,
      intent.bytes,
      JSON.stringify(intent.objects),
      intent.inputSha256,
      JSON.stringify(intent.encoder),
      intent.schemaVersion,
      intent.deadLetters,
    ]).catch((error: unknown) => {
      if (!isOverlap(error)) throw error;
      return [];
    });
    return rows[0] ? { kind: 'opened', attempt: rows[0].attempt } : explain(claimed, intent);
  }

  return {
    claim,
    state,
    async generation(dataset) {
      const [row] = await ask<{ generation: string }>(
        `reading the manifest of ${dataset}`,
        'SELECT coalesce(max(generation), 0) AS generation FROM headrace.manifest_partition WHERE dataset = $1',
        [dataset],
      );
      return Number(row?.generation ?? 0);
    },
    intend: (claimed, intent) => open(INTENT_SQL, claimed, intent),
    sealEmpty: (claimed, intent) => open(EMPTY_SQL, claimed, intent),
    async seal({ id }, cut) {
      const range = `cut [${cut.start}, ${cut.end})`;
      const rows = await ask<{ next: string }>(`sealing ${range}`, SEAL_SQL, [id, cut.start, cut.attempt]);
      if (rows.length > 0) return true;
      const [found] = await ask<{ state: string; next: string }>(
        `looking at ${range}`,
        `SELECT c.state, p.next FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id
         WHERE c.partition_id = $1 AND c.start_offset = $2 AND c.attempt = $3`,
        [id, cut.start, cut.attempt],
      );
      if (found?.state === 'sealed' && Number(found.next) >= cut.end) return true;
      if (found?.state === 'void') return false;
      const at = found ? `${found.state}, next ${found.next}` : 'not there';
      throw fault('ManifestConflict', `${range} of manifest partition ${id} cannot be sealed: it is ${at}`);
    },
    async before({ id }, start) {
      const values = [id, start];
      const [row] = await ask<{ log_start: string; since: string; letters: string }>(
        'reading the cuts before',
        BEFORE_SQL,
        values,
      );
      return {
        logStart: Number(row?.log_start ?? start),
        since: Number(row?.since ?? start),
        sinceDeadLetters: Number(row?.letters ?? 0),
      };
    },
    async void(claimed, cut) {
      const values = [claimed.id, cut.start, cut.attempt, claimed.token];
      return (await ask(`voiding the cut at ${cut.start}`, VOID_SQL, values)).length > 0;
    },
  };
}
