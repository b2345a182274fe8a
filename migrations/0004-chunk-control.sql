-- Chunks that somebody said are not to be published, and a replay's pace: one budget for all of its lanes, whichever worker
-- they run on.
ALTER TABLE headrace.chunk
  ADD COLUMN skipped_at  timestamptz,
  ADD COLUMN skip_reason text;
CREATE TABLE headrace.pace (
  replay_id        text PRIMARY KEY,
  rows_per_second  double precision CHECK (rows_per_second > 0),   -- NULL: no limit
  bytes_per_second double precision CHECK (bytes_per_second > 0),
  paused           boolean NOT NULL DEFAULT false,
  free_at          timestamptz NOT NULL DEFAULT now()              -- what was sent so far is due by then
);
