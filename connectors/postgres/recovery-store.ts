/**
 * Rebuilds a dataset's manifest in one transaction, and reads which objects it names. Ids of partitions are not given again:
 * a process that was stopped while the control database was lost seals by id, and must not meet another partition's cut.
 */
import type pg from 'pg';
import type { NamedObject, RebuiltManifest, RebuiltPartition, RecoveryStore } from '../../activities/ports/recovery.ts';
import { fault, isFault } from '../../contracts/errors.ts';
import { LANE_MODULUS } from '../../contracts/messages.ts';
import { RECOVERED } from '../../contracts/replay.ts';
import { postgresFault } from './errors.ts';
import { query } from './pool.ts';

const CUTS_AT_ONCE = 2_000;

interface NamedRow {
  name: string;
  is: NamedObject['is'];
  age_ms: number;
  place: string;
  start_offset: string;
  end_offset: string;
}

/** The array is in order of what counts most: a name that a sealed cut has is named, whatever else had it. */
const NAMED_SQL = `
  SELECT DISTINCT ON (name) object->>'name' AS name,
    CASE WHEN c.state IN ('open', 'sealed') THEN 'named' ELSE c.state END AS is,
    extract(epoch FROM now() - coalesce(c.retired_at, c.opened_at))::double precision * 1000 AS age_ms,
    p.topic_id || '/' || p.partition AS place, c.start_offset, c.end_offset
  FROM headrace.cut c JOIN headrace.manifest_partition p ON p.id = c.partition_id, jsonb_array_elements(c.objects) AS object
  WHERE p.dataset = $1
  ORDER BY name, array_position(ARRAY['open', 'sealed', 'replacing', 'replaced', 'expired', 'void'], c.state), c.retired_at DESC`;

/** @param pool of the control database */
export function openRecoveryStore(pool: pg.Pool): RecoveryStore {
  const ask = <Row extends pg.QueryResultRow>(doing: string, sql: string, values: readonly unknown[]) =>
    query<Row>(pool, 'ControlUnavailable', doing, sql, values);
  return {
    async knows(dataset) {
      const doing = `looking for ${dataset} in the manifest`;
      const [table] = await ask<{ there: boolean }>(
        doing,
        `SELECT to_regclass('headrace.manifest_partition') IS NOT NULL AS there`,
        [],
      );
      if (table?.there !== true) return false;
      const sql = 'SELECT FROM headrace.manifest_partition WHERE dataset = $1 LIMIT 1';
      return (await ask(doing, sql, [dataset])).length > 0;
    },
    async rebuild(manifest) {
      const client = await pool.connect().catch((error: unknown) => {
        throw postgresFault(error, 'ControlUnavailable', 'connecting to the control database');
      });
      try {
        await client.query('BEGIN');
        await write(client, manifest);
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK').catch(() => undefined);
        if (isFault(error)) throw error;
        throw postgresFault(error, 'ControlUnavailable', `rebuilding the manifest of ${manifest.dataset}`);
      } finally {
        client.release();
      }
    },
    async named(dataset) {
      const doing = `reading the manifest of ${dataset}`;
      const objects = await ask<NamedRow>(doing, NAMED_SQL, [dataset]);
      const partitions = await ask<{ place: string; log_start: string; next: string; lost: [string, string][] }>(
        doing,
        `SELECT p.topic_id || '/' || p.partition AS place, p.log_start, p.next,
           coalesce((SELECT jsonb_agg(jsonb_build_array(l.start_offset::text, l.end_offset::text)) FROM headrace.lost l
                     WHERE l.partition_id = p.id), '[]') AS lost
         FROM headrace.manifest_partition p WHERE p.dataset = $1`,
        [dataset],
      );
      return {
        names: new Map(
          objects.map(({ name, is, age_ms, place, start_offset, end_offset }) => [
            name,
            { is, ageMs: age_ms, place, start: Number(start_offset), end: Number(end_offset) },
          ]),
        ),
        partitions: new Map(
          partitions.map(({ place, log_start, next, lost }) => [
            place,
            {
              logStart: Number(log_start),
              next: Number(next),
              lost: lost.map(([start, end]) => ({ start: Number(start), end: Number(end) })),
            },
          ]),
        ),
      };
    },
  };
}

async function write(client: pg.PoolClient, manifest: RebuiltManifest): Promise<void> {
  const { dataset, spec, topicId } = manifest;
  // Whoever plans or claims waits, or has been before us and is seen.
  await client.query('LOCK TABLE headrace.manifest_partition IN SHARE ROW EXCLUSIVE MODE');
  const known = await client.query('SELECT FROM headrace.manifest_partition WHERE dataset = $1 LIMIT 1', [dataset]);
  if ((known.rowCount ?? 0) > 0) throw fault('ManifestConflict', knownText(dataset));
  const topicIds = [
    ...new Set([...manifest.partitions.map((each) => each.topicId), ...(topicId === null ? [] : [topicId])]),
  ];
  for (const [what, name] of [['dataset', dataset], ...topicIds.map((id) => ['topic', id])]) {
    const { rows } = await client.query<{ pipeline: string }>(
      `INSERT INTO headrace.owner AS o (what, name, pipeline) VALUES ($1, $2, $3)
       ON CONFLICT (what, name) DO UPDATE SET pipeline = o.pipeline RETURNING pipeline`,
      [what, name, spec.name],
    );
    const owner = rows[0]?.pipeline;
    if (owner === spec.name) continue;
    throw fault(
      'ManifestConflict',
      `${what ?? ''} ${name ?? ''} belongs to pipeline ${owner ?? ''}; nothing was changed`,
    );
  }
  if (topicId !== null) {
    const values = [spec.name, topicId, manifest.hashPartitions];
    await client.query('INSERT INTO headrace.topic_hash VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', values);
  }
  for (const [index, { version, shape }] of manifest.schemas.entries()) {
    await client.query(
      `INSERT INTO headrace.schema_version (dataset, version, columns, key, first_seen)
       VALUES ($1, $2, $3, $4, now() - $5 * interval '1 ms') ON CONFLICT DO NOTHING`,
      [dataset, version, JSON.stringify(shape.columns), JSON.stringify(shape.key), manifest.schemas.length - index],
    );
  }
  // Seconds since 1970: more ids than any manifest has ever given.
  await client.query(
    `SELECT setval(pg_get_serial_sequence('headrace.manifest_partition', 'id'),
       greatest(extract(epoch FROM now())::bigint, (SELECT coalesce(max(id), 0) FROM headrace.manifest_partition)))`,
  );
  for (const partition of manifest.partitions) await writePartition(client, dataset, spec.topic.name, partition);
  for (const { replayId, nonce, schemaVersion, shape } of manifest.replays) {
    await client.query(
      `INSERT INTO headrace.replay (replay_id, nonce, pipeline, workflow_id, spec, scope, columns, key, schema_version, topic_id,
         partitions, lane_modulus, upper_key, null_event_rows, estimated_rows, source_snapshot, state)
       VALUES ($1, $2, $3, $4, $5, '{}', $6, $7, $8, $9, $10, ${LANE_MODULUS}, NULL, 0, 0, '', 'abandoned')
       ON CONFLICT DO NOTHING`,
      [
        ...[replayId, nonce, spec.name, RECOVERED, JSON.stringify(spec), JSON.stringify(shape.columns)],
        ...[JSON.stringify(shape.key), schemaVersion, topicId, manifest.hashPartitions],
      ],
    );
  }
}

async function writePartition(
  client: pg.PoolClient,
  dataset: string,
  topic: string,
  { topicId, partition, logStart, next, cuts, lost }: RebuiltPartition,
): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    `INSERT INTO headrace.manifest_partition (dataset, topic_id, partition, topic, log_start, next, generation, token, claimed_by)
     VALUES ($1, $2, $3, $4, $5, $6, 0, gen_random_uuid(), 'headrace recover') RETURNING id`,
    [dataset, topicId, partition, topic, logStart, next],
  );
  const id = rows[0]?.id;
  for (let at = 0; at < cuts.length; at += CUTS_AT_ONCE) {
    await client.query(
      `INSERT INTO headrace.cut (partition_id, start_offset, end_offset, state, reason, rows, bytes, objects, input_sha256,
                                 encoder, schema_version, dead_letters, opened_at, sealed_at, retired_at,
                                 removed_at)
       SELECT $1, c.start, c."end", CASE WHEN c.expired THEN 'expired' ELSE 'sealed' END, 'recovered', c.rows, c.bytes, c.objects, c."inputSha256", c.encoder,
              c."schemaVersion", c."deadLetters", to_timestamp(c.at / 1000.0), to_timestamp(c.at / 1000.0),
              CASE WHEN c.expired THEN now() END, CASE WHEN c.expired THEN now() END
       FROM jsonb_to_recordset($2) AS c (start bigint, "end" bigint, rows bigint, bytes bigint, objects jsonb,
         "inputSha256" text, encoder jsonb, "schemaVersion" text, "deadLetters" bigint, at double precision, expired boolean)`,
      [id, JSON.stringify(cuts.slice(at, at + CUTS_AT_ONCE))],
    );
  }
  for (const { start, end, why } of lost) {
    await client.query(
      'INSERT INTO headrace.lost (partition_id, start_offset, end_offset, why) VALUES ($1, $2, $3, $4)',
      [...[id, start, end, why]],
    );
  }
}

function knownText(dataset: string): string {
  return (
    `the control database knows partitions of ${dataset} already: somebody landed or replayed before the rebuild; stop all ` +
    'workers and see "The control database is lost" in docs/operations.md'
  );
}
