-- Entries in a smaller form: the payload packed (a byte of form before it), the record named only
-- where an entry changes one, because a creation's id begins with its record's.
CREATE TABLE entry_packed (
  arrival INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  log INTEGER NOT NULL REFERENCES log,
  branch INTEGER NOT NULL,
  position INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  changes BLOB,                 -- the record changed; null for a creation and for administration
  payload BLOB,                 -- null once erased
  payload_hash BLOB,            -- only where the payload is null
  seal BLOB,                    -- where a run that we received ended
  verdict INTEGER NOT NULL      -- 0 until judged
) STRICT;
INSERT INTO entry_packed
  SELECT arrival, id, log, branch, position, kind, CASE WHEN creates THEN NULL ELSE record END,
    CAST(x'00' || payload AS BLOB), payload_hash, seal, verdict FROM entry;
DROP TABLE entry;
ALTER TABLE entry_packed RENAME TO entry;
CREATE UNIQUE INDEX entry_place ON entry (log, branch, position);
CREATE INDEX entry_changes ON entry (changes) WHERE changes IS NOT NULL;
CREATE INDEX entry_administration ON entry (kind) WHERE kind < 16;
CREATE INDEX entry_unsettled ON entry (log) WHERE verdict BETWEEN 16 AND 31;

-- A branch's tip is its last entry: only where branches start is kept.
ALTER TABLE branch DROP COLUMN position;
ALTER TABLE branch DROP COLUMN entry;

-- Derived, built anew on opening: one row for each record with all that it says; sums by day, team and
-- site; balances of stock.
DROP TABLE record;
DROP TABLE tally;
DELETE FROM link;
CREATE TABLE record (
  number INTEGER PRIMARY KEY,   -- the arrival of its creating entry
  kind INTEGER NOT NULL,
  log INTEGER NOT NULL,         -- of its creating entry
  day INTEGER NOT NULL,         -- days since 1970-01-01
  state INTEGER NOT NULL,       -- 1 counted, 2 void, 3 flagged date, 4 duplicate
  conflicts INTEGER NOT NULL,   -- fields with more than one value
  answers BLOB NOT NULL,        -- the winning answers
  digest BLOB NOT NULL          -- the first bytes of BLAKE3 of the canonical bytes
) STRICT;
CREATE INDEX record_day ON record (day);
CREATE INDEX record_flagged ON record (log) WHERE state = 3;
CREATE INDEX record_conflicted ON record (number) WHERE conflicts > 0;
CREATE TABLE tally (
  day INTEGER, team BLOB, site TEXT,
  part TEXT,                    -- empty, or the indicator's part that this row is of
  sums BLOB NOT NULL,
  PRIMARY KEY (day, team, site, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE stock (
  team BLOB, holder TEXT, product TEXT, lot TEXT, expiry TEXT, doses INTEGER NOT NULL,
  PRIMARY KEY (team, holder, product, lot, expiry)
) STRICT, WITHOUT ROWID;
