-- Truth: logs, their branches, their entries, and the highest seal heard of each log.
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE log (
  number INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  open BLOB NOT NULL,
  bytes INTEGER NOT NULL,       -- what its entries weigh on the wire
  own INTEGER NOT NULL          -- 0 another device's, 1 our records, 2 our administration, 3 ours, closed
) STRICT;
CREATE TABLE branch (
  log INTEGER NOT NULL REFERENCES log,
  number INTEGER NOT NULL,
  parent_branch INTEGER,
  parent_position INTEGER,
  position INTEGER NOT NULL,
  entry BLOB NOT NULL,
  PRIMARY KEY (log, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE entry (
  arrival INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  log INTEGER NOT NULL REFERENCES log,
  branch INTEGER NOT NULL,
  position INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  creates INTEGER NOT NULL,
  record BLOB,                  -- the record created or changed
  payload BLOB,                 -- null once erased
  payload_hash BLOB,            -- only where the payload is null
  seal BLOB,                    -- where a run that we received ended
  verdict INTEGER NOT NULL      -- 0 until judged
) STRICT;
CREATE UNIQUE INDEX entry_place ON entry (log, branch, position);
CREATE INDEX entry_record ON entry (record) WHERE record IS NOT NULL;
CREATE INDEX entry_administration ON entry (kind) WHERE kind < 16;
CREATE INDEX entry_unsettled ON entry (log) WHERE verdict BETWEEN 16 AND 31;
CREATE TABLE heard (             -- the highest seal heard of a log whose tip is not held
  log BLOB PRIMARY KEY,
  position INTEGER NOT NULL,
  entry BLOB NOT NULL,
  sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Work in hand: records to judge, and the entries that records wait for.
CREATE TABLE dirty (record BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE awaited (entry BLOB, record BLOB, PRIMARY KEY (entry, record)) STRICT, WITHOUT ROWID;

-- Derived: one row for each record, and totals. Dropping and rebuilding gives the same.
CREATE TABLE record (
  id BLOB PRIMARY KEY,
  kind INTEGER NOT NULL,
  team BLOB NOT NULL,
  author BLOB NOT NULL,
  site TEXT NOT NULL,
  day INTEGER NOT NULL,         -- days since 1970-01-01
  state INTEGER NOT NULL,       -- 1 counted, 2 void, 3 flagged date, 4 duplicate
  conflicts INTEGER NOT NULL,   -- fields with more than one value
  facts BLOB NOT NULL,          -- measures and coded answers
  digest BLOB NOT NULL          -- BLAKE3 of the canonical bytes
) STRICT, WITHOUT ROWID;
CREATE INDEX record_day ON record (team, day);
CREATE TABLE link (a BLOB, b BLOB, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID;
CREATE INDEX link_back ON link (b, a);
CREATE TABLE tally (
  team BLOB, site TEXT, day INTEGER, indicator TEXT, n INTEGER NOT NULL,
  PRIMARY KEY (team, site, day, indicator)
) STRICT, WITHOUT ROWID;
