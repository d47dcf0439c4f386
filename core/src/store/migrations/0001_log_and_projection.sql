-- Truth: logs, their branches, their entries, and the highest signature heard of each log.
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE log (
  number INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  open BLOB NOT NULL,
  own INTEGER NOT NULL          -- 0 another device's, 1 our records, 2 our administration, 3 ours, closed, 4 our keys, 5 our certificates, 6 our revocations
) STRICT;
CREATE TABLE branch (            -- a branch's tip is its last entry: only where it starts is kept
  log INTEGER NOT NULL REFERENCES log,
  number INTEGER NOT NULL,
  parent_branch INTEGER,
  parent_position INTEGER,
  PRIMARY KEY (log, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE entry (
  arrival INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  log INTEGER NOT NULL REFERENCES log,
  branch INTEGER NOT NULL,      -- -1 where an acceptance brought it without what lies before it
  position INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  schema INTEGER NOT NULL,      -- the version of the kind's schema that it is written by
  changes BLOB,                 -- the record changed; null for a creation and for administration
  on_path INTEGER,              -- how many changes of that record its path holds up to here
  newer INTEGER,                -- where only a newer version can judge it: how many such its path holds,
  newer_bytes INTEGER,          -- and what those weigh
  ends INTEGER NOT NULL,        -- how it ends its branch; 0 where it does not
  payload BLOB,                 -- a byte of form, then the payload or its packed form; null once erased
  payload_hash BLOB,            -- only where the payload is null
  previous BLOB,                -- the entry before, only where that is not in its place
  signature BLOB,               -- where a run that we received ended
  verdict INTEGER NOT NULL      -- 0 until judged, 3 where it is not carried
) STRICT;
CREATE UNIQUE INDEX entry_place ON entry (log, branch, position) WHERE branch >= 0;
CREATE INDEX entry_alone ON entry (log) WHERE branch < 0;
CREATE INDEX entry_changes ON entry (changes, log, branch, position) WHERE changes IS NOT NULL;
CREATE INDEX entry_administration ON entry (kind, log) WHERE kind < 16;
CREATE INDEX entry_unsettled ON entry (log) WHERE verdict BETWEEN 16 AND 31;
CREATE INDEX entry_newer ON entry (log, branch, position) WHERE newer IS NOT NULL;
CREATE INDEX entry_ends ON entry (log, branch, position) WHERE ends > 0;
CREATE TABLE heard (             -- the highest signature heard of a log whose tip is not held
  log BLOB PRIMARY KEY,
  certificate BLOB NOT NULL,
  position INTEGER NOT NULL,
  entry BLOB NOT NULL,
  signed BLOB NOT NULL,
  number INTEGER NOT NULL       -- in the order in which they came, for cursors
) STRICT, WITHOUT ROWID;
CREATE INDEX heard_certificate ON heard (certificate);
CREATE TABLE aside (             -- what a hub keeps of what it does not carry, by certificate
  certificate BLOB PRIMARY KEY, entries INTEGER NOT NULL, bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Work in hand: records to judge.
CREATE TABLE dirty (record BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;

-- Derived: one row for each record with all that it says; sums by day, team and site; balances of stock.
-- Dropping and rebuilding gives the same.
CREATE TABLE record (
  number INTEGER PRIMARY KEY,   -- the arrival of its creating entry
  kind INTEGER NOT NULL,
  log INTEGER NOT NULL,         -- of its creating entry
  day INTEGER NOT NULL,         -- days since 1970-01-01
  state INTEGER NOT NULL,       -- 1 counted, 2 void, 3 duplicate
  conflicts INTEGER NOT NULL,   -- fields with more than one value
  moves_stock INTEGER NOT NULL, -- 1 where whoever wrote its holders may speak for them
  answers BLOB NOT NULL,        -- the winning answers
  digest BLOB NOT NULL          -- the first bytes of BLAKE3 of the canonical bytes
) STRICT;
CREATE INDEX record_day ON record (day);
CREATE INDEX record_conflicted ON record (number) WHERE conflicts > 0;
CREATE TABLE link (              -- a says that it is of the same event as b
  a BLOB, b BLOB,
  by_coordinator INTEGER NOT NULL,
  author BLOB,                  -- the key that made a, where it wrote this, too
  person BLOB,                  -- the person who made a, where that person wrote this, too
  PRIMARY KEY (a, b)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_back ON link (b, author, a);
CREATE INDEX link_of_person ON link (b, person, a);
CREATE INDEX link_by_coordinator ON link (b, a) WHERE by_coordinator = 1;
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

-- How far the hub was last seen to hold each branch: what lies beyond waits for delivery, or was turned
-- away by this reason.
CREATE TABLE on_hub (
  log INTEGER NOT NULL REFERENCES log,
  branch INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (log, branch)
) STRICT, WITHOUT ROWID;
CREATE TABLE turned_away (log INTEGER PRIMARY KEY REFERENCES log, reason INTEGER NOT NULL) STRICT;
-- Entries of this device's own that the hub does not carry by their chain, but because they were accepted.
CREATE TABLE own_accepted (entry BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
