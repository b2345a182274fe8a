-- The control database: what replays are planned, what each lane's transactions brought in, what the lake holds.
-- Kafka's answer (a lane's group offset) stands above lane_transaction; the manifest (manifest_partition, cut) is itself the truth.
-- Every change of the manifest is one autocommitted statement: a stopped process must not hold a lock.
CREATE SCHEMA IF NOT EXISTS headrace;

-- The columns that records of a schema version have, so that a land worker can read what it finds in the topic.
CREATE TABLE headrace.schema_version (
  dataset  text NOT NULL,
  version  text NOT NULL,
  columns  jsonb NOT NULL,
  key      jsonb NOT NULL,
  first_seen timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (dataset, version)
);

-- Who publishes to a topic (by id) and who owns a lake dataset: one pipeline each, or two streams would mix.
CREATE TABLE headrace.owner (
  what     text NOT NULL CHECK (what IN ('topic', 'dataset')),
  name     text NOT NULL,
  pipeline text NOT NULL,
  PRIMARY KEY (what, name)
);

-- The partition count that a pipeline hashes keys over: fixed at first use; partitions added to the topic later are not used.
CREATE TABLE headrace.topic_hash (
  pipeline   text NOT NULL,
  topic_id   text NOT NULL,
  partitions int  NOT NULL CHECK (partitions > 0),
  PRIMARY KEY (pipeline, topic_id)
);

CREATE TABLE headrace.replay (
  replay_id       text PRIMARY KEY,
  nonce           text NOT NULL,         -- of this plan; in each transaction's progress, so that a replay id used again is told
  pipeline        text NOT NULL,
  workflow_id     text NOT NULL,
  spec            jsonb NOT NULL,
  scope           jsonb NOT NULL,
  columns         jsonb NOT NULL,
  key             jsonb NOT NULL,
  schema_version  text NOT NULL,
  topic_id        text NOT NULL,
  partitions      int NOT NULL,
  lane_modulus    int NOT NULL,
  upper_key       jsonb,                 -- NULL: the table was empty
  null_event_rows bigint NOT NULL,
  estimated_rows  bigint NOT NULL,       -- the catalogue's guess, for people who wait
  source_snapshot text NOT NULL,         -- pg_current_snapshot() of the source when planned: the proof of "changed since"
  state           text NOT NULL CHECK (state IN ('planned', 'publishing', 'published', 'abandoned')),
  planned_at      timestamptz NOT NULL DEFAULT now(),
  published_at    timestamptz
);
-- One replay a pipeline publishes at a time: an older reading must not overwrite a newer one. Its primary key decides
-- between two that start at once.
CREATE TABLE headrace.publishing (
  pipeline  text PRIMARY KEY,
  replay_id text NOT NULL UNIQUE REFERENCES headrace.replay,
  since     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX replay_by_pipeline ON headrace.replay (pipeline, planned_at);

-- Bounds are stored before their first use and never change.
CREATE TABLE headrace.chunk (
  replay_id text NOT NULL REFERENCES headrace.replay,
  chunk     int  NOT NULL,
  after_key jsonb,                       -- exclusive; NULL: from the first key
  up_to_key jsonb NOT NULL,              -- inclusive
  PRIMARY KEY (replay_id, chunk)
);

-- A lane's transactions, in order. `begun`: the outcome is known to Kafka only; no later one may begin until it is `done`.
CREATE TABLE headrace.lane_transaction (
  replay_id  text NOT NULL REFERENCES headrace.replay,
  lane       int  NOT NULL,
  seq        bigint NOT NULL CHECK (seq > 0),
  chunk      int  NOT NULL,
  from_key   jsonb,                      -- exclusive; NULL: from the first key
  state      text NOT NULL CHECK (state IN ('begun', 'done')),
  begun_at   timestamptz NOT NULL DEFAULT now(),
  last_key   jsonb,
  rows       bigint,
  checksum   numeric,
  chunk_done boolean,
  done_at    timestamptz,
  PRIMARY KEY (replay_id, lane, seq),
  CHECK (state = 'begun' OR (rows IS NOT NULL AND checksum IS NOT NULL AND last_key IS NOT NULL AND chunk_done IS NOT NULL))
);
CREATE UNIQUE INDEX lane_one_begun ON headrace.lane_transaction (replay_id, lane) WHERE state = 'begun';
CREATE INDEX lane_transaction_by_chunk ON headrace.lane_transaction (replay_id, chunk);

CREATE TABLE headrace.replay_end (
  replay_id  text NOT NULL REFERENCES headrace.replay,
  partition  int NOT NULL,
  end_offset bigint NOT NULL,
  PRIMARY KEY (replay_id, partition)
);

CREATE TABLE headrace.manifest_partition (
  id         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  dataset    text NOT NULL,
  topic_id   text NOT NULL,
  partition  int  NOT NULL,
  topic      text NOT NULL,
  log_start  bigint NOT NULL,            -- the log's start when first claimed
  next       bigint NOT NULL,            -- everything below is sealed, empty or marked lost
  generation bigint NOT NULL,
  token      uuid NOT NULL,              -- of the one claim that may write intents
  claimed_by text NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (dataset, topic_id, partition),
  CHECK (next >= log_start)
);

CREATE TABLE headrace.cut (
  partition_id   bigint NOT NULL REFERENCES headrace.manifest_partition (id),
  start_offset   bigint NOT NULL,
  end_offset     bigint NOT NULL CHECK (end_offset > start_offset),
  attempt        int NOT NULL DEFAULT 0, -- counts voided intents of the same start
  state          text NOT NULL CHECK (state IN ('open', 'sealed', 'void')),
  reason         text NOT NULL,
  rows           bigint NOT NULL,
  bytes          bigint NOT NULL,
  objects        jsonb NOT NULL,         -- [{name, rows}]
  input_sha256   text NOT NULL,
  encoder        jsonb NOT NULL,
  schema_version text,
  dead_letters   bigint NOT NULL DEFAULT 0,
  opened_at      timestamptz NOT NULL DEFAULT now(),
  sealed_at      timestamptz,
  PRIMARY KEY (partition_id, start_offset, attempt),
  -- The alarm: the compare of `next` already makes an overlap impossible. One numeric line holds all partitions' ranges,
  -- because a gist index over (id =, range &&) would need the btree_gist extension.
  EXCLUDE USING gist (numrange(partition_id * 9223372036854775808::numeric + start_offset,
                               partition_id * 9223372036854775808::numeric + end_offset) WITH &&) WHERE (state <> 'void')
);
CREATE UNIQUE INDEX cut_one_open ON headrace.cut (partition_id) WHERE state = 'open';

-- What could not be read any more (expired, deleted): shown in status and verify; landing goes on only when accepted.
CREATE TABLE headrace.lost (
  partition_id bigint NOT NULL REFERENCES headrace.manifest_partition (id),
  start_offset bigint NOT NULL,
  end_offset   bigint NOT NULL CHECK (end_offset > start_offset),
  why          text NOT NULL,
  found_at     timestamptz NOT NULL DEFAULT now(),
  accepted_at  timestamptz,
  PRIMARY KEY (partition_id, start_offset)
);

CREATE TABLE headrace.dead_letter (
  dataset      text NOT NULL,
  topic_id     text NOT NULL,
  topic        text NOT NULL,
  partition    int NOT NULL,
  offset_      bigint NOT NULL,
  record_key   bytea,
  record_value bytea,
  headers      jsonb NOT NULL,           -- [[name, base64]]
  replay_id    text,
  chunk        int,
  reason       text NOT NULL,
  state        text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'redriven', 'dismissed')),
  found_at     timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (dataset, topic_id, partition, offset_)
);

-- Who wants a dataset landed, and how far. Written before the land workflow is poked, so that a poke cannot be lost.
CREATE TABLE headrace.land_request (
  dataset     text NOT NULL,
  request_id  text NOT NULL,
  workflow_id text,                      -- whose workflow asks; its end ends the request; NULL: a person's, until stopped
  topic       text NOT NULL,
  continuous  boolean NOT NULL,          -- true: no end is known (yet)
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (dataset, request_id)
);
CREATE TABLE headrace.land_request_end (
  dataset    text NOT NULL,
  request_id text NOT NULL,
  topic_id   text NOT NULL,
  partition  int NOT NULL,
  end_offset bigint NOT NULL,
  PRIMARY KEY (dataset, request_id, topic_id, partition),
  FOREIGN KEY (dataset, request_id) REFERENCES headrace.land_request ON DELETE CASCADE
);

-- What loads did, for people to look at; the warehouse's own ledger is what decides.
CREATE TABLE headrace.load_batch (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pipeline    text NOT NULL,
  workflow_id text NOT NULL,
  cuts        bigint NOT NULL,
  rows        bigint NOT NULL,
  seconds     double precision NOT NULL,
  loaded_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX load_batch_by_pipeline ON headrace.load_batch (pipeline, loaded_at);
