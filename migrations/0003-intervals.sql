-- Data intervals of a pipeline that a schedule or a backfill runs: what was begun is never a hole, whatever became of it.
CREATE TABLE headrace.interval (
  pipeline    text NOT NULL,
  from_time   timestamptz NOT NULL,      -- inclusive
  to_time     timestamptz NOT NULL,      -- exclusive: floor(scheduled time, step)
  made_by     text NOT NULL CHECK (made_by IN ('schedule', 'backfill')),
  state       text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
  workflow_id text NOT NULL,             -- of the latest attempt
  run_id      text NOT NULL,
  replay_id   text NOT NULL,
  attempts    int NOT NULL DEFAULT 1,
  rows        bigint,
  error       text,
  started_at  timestamptz NOT NULL DEFAULT now(),
  ended_at    timestamptz,
  PRIMARY KEY (pipeline, from_time, to_time),
  CHECK (to_time > from_time)
);
CREATE INDEX interval_by_end ON headrace.interval (pipeline, made_by, to_time);
