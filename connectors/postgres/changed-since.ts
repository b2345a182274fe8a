/**
 * Proof that a row was written after a replay's start: the transaction that wrote it (`xmin`) is not visible in the snapshot
 * kept from then. Errs to "no proof" only, so that a loss is never taken for a change.
 *
 * `xmin` has 32 bits; the snapshot has 64. It is extended with the epoch of the next id: a row that can be seen was written
 * below that. Then:
 * - ids below 3 are the catalogue's and the old mark of frozen rows: no proof;
 * - an id 2^31 or more behind the next one cannot be a live one, only a frozen row's left-over: no proof;
 * - a frozen row of four thousand million transactions ago could show the number of one since the snapshot: that is the
 *   chance left, and it is (transactions since the snapshot) / 2^32 for each such row;
 * - a subtransaction's id (savepoints, exception blocks) is not listed in a snapshot: of one that was running at the
 *   snapshot's time it says "visible", hence no proof; one from later is above the snapshot's end, and proven.
 * Not to be used across clusters: a source restored by pg_dump elsewhere counts its transactions anew.
 */

/**
 * @param alias of the table in FROM, quoted
 * @param snapshot parameter, e.g. `$2`: pg_current_snapshot() as text
 * @returns a boolean SQL expression; NULL where an outer join found no row
 */
export function changedSinceSql(alias: string, snapshot: string): string {
  const next = `pg_snapshot_xmax(pg_current_snapshot())::text::bigint`;
  const low = `${alias}.xmin::text::bigint`;
  // How far below the next id the last id with these low bits lies, and so that id itself.
  const behind = `((${next} - 1 - ${low}) & 4294967295)`;
  const full = `(${next} - 1 - ${behind})`;
  return (
    `CASE WHEN ${alias}.xmin IS NULL THEN NULL WHEN ${low} < 3 OR ${full} < 3 OR ${behind} >= 2147483648 THEN false ` +
    `ELSE NOT pg_visible_in_snapshot((${full})::text::xid8, (${snapshot}::text)::pg_snapshot) END`
  );
}

/**
 * The other side's proof, for all rows of a scan, at a tenth of the cost: that the row was written by a transaction that was
 * over when the snapshot was taken, so that the row is as the snapshot saw it. Errs to "no proof" only: of transactions that
 * ran at that time, of subtransactions of theirs, of rows marked with no transaction's id (whose age() is 2^31 - 1), and of
 * all where the snapshot is 2,000,000,000 transactions old, or not from this server's past (restored, or a standby behind).
 * Of a row that came with its table, by a rename or as a partition, it says nothing: standsAsSeenSql does.
 * @param alias and snapshot as above
 * @returns a boolean SQL expression
 */
export function seenBySql(alias: string, snapshot: string): string {
  const first = `pg_snapshot_xmin((${snapshot}::text)::pg_snapshot)`;
  const behind = `pg_snapshot_xmax(pg_current_snapshot())::text::bigint - ${first}::text::bigint`;
  // In brackets of its own: evaluated once a statement.
  const over = `(SELECT CASE WHEN ${behind} BETWEEN 0 AND 2000000000 THEN age(${first}::xid) + 1 ELSE 2147483647 END)`;
  return `age(${alias}.xmin) BETWEEN ${over} AND 2147483646`;
}

/**
 * That the table is the one that the snapshot saw, so that rows that it saw are rows of that table, with those values. Rows
 * change without a new xmin where a table, its schema or a column is renamed, a partition or a child is attached, or a column
 * is dropped and added with a default. Asked after the rows were read, it holds for what was read. (GRANT and the like take
 * the proof away too; ANALYZE and VACUUM do not.) With row security, which rows there are hangs on more: no proof.
 * @param name parameter: the table as SQL writes it
 * @param schema parameter: its schema's name
 * @param snapshot as above
 * @returns a boolean SQL expression
 */
export function standsAsSeenSql(name: string, schema: string, snapshot: string): string {
  const seen = (alias: string): string => seenBySql(alias, snapshot);
  return `(WITH RECURSIVE tree (id) AS (SELECT ${name}::regclass::oid
                                  UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.id)
      SELECT bool_and(part.seen) FROM (
        SELECT ${seen('n')} FROM pg_namespace n WHERE n.nspname = ${schema}
        UNION ALL SELECT ${seen('c')} AND NOT c.relrowsecurity FROM pg_class c JOIN tree ON c.oid = tree.id
        UNION ALL SELECT ${seen('i')} FROM pg_inherits i JOIN tree ON i.inhrelid = tree.id
        UNION ALL SELECT ${seen('a')} FROM pg_attribute a JOIN tree ON a.attrelid = tree.id WHERE a.attnum > 0
      ) AS part (seen))`;
}
