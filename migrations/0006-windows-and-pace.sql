-- Windows that begin and end where the table's index says, pace by event time, and who skipped a chunk.
ALTER TABLE headrace.replay
  ADD COLUMN after_key jsonb,            -- the first chunk begins behind it; NULL: at the first key
  ADD COLUMN order_by  jsonb;            -- columns that chunks are ranges of; NULL: the key
ALTER TABLE headrace.chunk ADD COLUMN skipped_by text;
ALTER TABLE headrace.pace
  ADD COLUMN speed    double precision CHECK (speed > 0),  -- seconds of event time a second; NULL: not paced by it
  ADD COLUMN clock_ms double precision,  -- the event time that was due at clock_at, epoch milliseconds; NULL: not begun
  ADD COLUMN clock_at timestamptz NOT NULL DEFAULT now();
