/**
 * How many of a replay's own rows are in the lake and in the warehouse, as SQL over the control database; for people only.
 * Never claims a row that is another replay's (but for the transaction markers of one cut a partition): replays of a topic
 * publish one after the other, so that one's records lie from where the replay that was published before it ended to its own
 * end. What else lies there (a replay that was abandoned, or withdrawn) is taken for what arrived first.
 */

/** A member of FROM beside `r`, a replay, and `t`, which has when its first transaction began: `landed` and `loaded`. */
export const ARRIVED_SQL = `
  CROSS JOIN LATERAL (
    WITH before AS (
      SELECT b.replay_id, b.published_at FROM headrace.replay b
      WHERE b.pipeline = r.pipeline AND b.topic_id = r.topic_id AND b.published_at <= t.started_at AND b.replay_id <> r.replay_id
      ORDER BY b.published_at DESC LIMIT 1),
    load AS (
      SELECT b.topic_id, b.ends, b.rows FROM headrace.load_batch b
      WHERE b.pipeline = r.pipeline AND b.loaded_at >= t.started_at),
    range AS (
      SELECT p.id,
        coalesce((SELECT e.end_offset FROM headrace.replay_end e JOIN before USING (replay_id) WHERE e.partition = p.partition), 0) AS first,
        coalesce((SELECT e.end_offset FROM headrace.replay_end e WHERE e.replay_id = r.replay_id AND e.partition = p.partition),
                 9223372036854775807) AS until,
        (SELECT max((l.ends ->> p.partition::text)::bigint) FROM load l WHERE l.topic_id = r.topic_id) AS loaded
      FROM headrace.manifest_partition p WHERE p.topic_id = r.topic_id),
    arrived AS (
      SELECT coalesce(sum(o.landed) FILTER (WHERE o.now), 0) AS landed, coalesce(sum(o.loaded) FILTER (WHERE o.now), 0) AS loaded,
             coalesce(sum(o.landed) FILTER (WHERE NOT o.now), 0) AS earlier
      FROM range g JOIN headrace.cut c ON c.partition_id = g.id AND c.end_offset > g.first AND c.start_offset < g.until
      CROSS JOIN LATERAL (
        SELECT c.sealed_at >= t.started_at AS now,
               least(c.rows, least(c.end_offset, g.until) - greatest(c.start_offset, g.first)) AS landed,
               CASE WHEN g.loaded > greatest(c.start_offset, g.first)
                 THEN least(c.rows, least(c.end_offset, g.until, g.loaded) - greatest(c.start_offset, g.first)) END AS loaded) o
      WHERE c.state IN ('sealed', 'expired')),
    others AS (
      SELECT coalesce(sum(x.rows), 0) AS rows FROM headrace.replay o JOIN headrace.lane_transaction x USING (replay_id)
      WHERE o.pipeline = r.pipeline AND o.topic_id = r.topic_id AND o.replay_id <> r.replay_id AND x.state = 'done'
        AND coalesce(o.published_at > (SELECT published_at FROM before), true)
        AND x.done_at > coalesce((SELECT published_at FROM before), '-infinity') AND x.done_at <= coalesce(r.published_at, now()))
    SELECT greatest(0, a.landed - ahead) AS landed,
      -- Loads that were noted without a place count whole, as they did.
      least(greatest(0, a.landed - ahead), greatest(0, a.loaded - ahead) +
        (SELECT coalesce(sum(l.rows), 0) FROM load l WHERE l.ends IS NULL)) AS loaded
    FROM arrived a CROSS JOIN others o CROSS JOIN LATERAL (SELECT greatest(0, o.rows - a.earlier) AS ahead) s) arrived`;
