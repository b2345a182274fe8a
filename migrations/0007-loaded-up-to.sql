-- How far a load batch brought the warehouse, so that progress tells one replay's rows from another's. NULL: noted before.
ALTER TABLE headrace.load_batch
  ADD COLUMN topic_id text,
  ADD COLUMN ends     jsonb;             -- {partition: exclusive offset}
