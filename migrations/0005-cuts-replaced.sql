-- Sealed cuts give way: to one of larger objects (compact), to the same one under other names (a move), or to none (expired).
-- `replacing` is the intent, recorded before its objects are put, so that what deletes orphans never takes them for such;
-- in one statement it becomes `sealed`, and those that it `replaces` become `replaced`.
ALTER TABLE headrace.cut DROP CONSTRAINT cut_state_check;
ALTER TABLE headrace.cut
  ADD CONSTRAINT cut_state_check CHECK (state IN ('open', 'sealed', 'void', 'replacing', 'replaced', 'expired')),
  ADD COLUMN replaces   jsonb,           -- [{start, attempt}] of a `replacing` cut, and of one that was
  ADD COLUMN retired_at timestamptz,     -- when it was replaced or expired: its objects are kept some time for readers of old lists
  ADD COLUMN removed_at timestamptz;     -- when its objects were removed
-- An alarm as before, but looked at when a statement ends, for one statement trades ranges for ranges.
ALTER TABLE headrace.cut DROP CONSTRAINT cut_numrange_excl;
ALTER TABLE headrace.cut ADD CONSTRAINT cut_ranges_apart
  EXCLUDE USING gist (numrange(partition_id * 9223372036854775808::numeric + start_offset,
                               partition_id * 9223372036854775808::numeric + end_offset) WITH &&)
  WHERE (state IN ('open', 'sealed', 'expired')) DEFERRABLE INITIALLY IMMEDIATE;
CREATE INDEX cut_retired ON headrace.cut (partition_id) WHERE retired_at IS NOT NULL AND removed_at IS NULL;
