-- What becomes of dead letters: re-driven by a replay of their own, or discarded with a reason; and their copy in `<topic>.dlq`.
ALTER TABLE headrace.dead_letter DROP CONSTRAINT dead_letter_state_check;
UPDATE headrace.dead_letter SET state = 'discarded' WHERE state = 'dismissed';
ALTER TABLE headrace.dead_letter
  ADD CONSTRAINT dead_letter_state_check CHECK (state IN ('open', 'redriven', 'discarded')),
  -- Who refused it: a `load` letter's record is in the lake, a `land` letter's is not.
  ADD COLUMN hop        text NOT NULL DEFAULT 'land' CHECK (hop IN ('land', 'load')),
  ADD COLUMN redrive    text,            -- the replay that reads its key from the source again
  ADD COLUMN claimed_at timestamptz,     -- by that replay
  ADD COLUMN why        text,            -- of a discarded one
  ADD COLUMN settled_at timestamptz,     -- when it was re-driven or discarded
  ADD COLUMN dlq_seq    bigint,          -- its place among the dataset's letters in the topic; NULL: not numbered yet
  ADD COLUMN in_dlq     boolean NOT NULL DEFAULT false; -- a cache of Kafka's answer
CREATE INDEX dead_letter_by_redrive ON headrace.dead_letter (redrive) WHERE redrive IS NOT NULL;
CREATE UNIQUE INDEX dead_letter_by_seq ON headrace.dead_letter (dataset, dlq_seq);
