-- A hub's own: on which days (since 1970-01-01, by its clock) each enrolled device synced, and the first
-- entry that could arrive on each day, so that every entry's day of arrival is known by its number.
CREATE TABLE synced (day INTEGER, device BLOB, PRIMARY KEY (day, device)) STRICT, WITHOUT ROWID;
CREATE TABLE arrived (day INTEGER PRIMARY KEY, arrival INTEGER NOT NULL) STRICT;
CREATE INDEX arrived_entry ON arrived (arrival, day);
-- What does not count is looked for on lists.
CREATE INDEX entry_refused ON entry (verdict) WHERE verdict > 31;
-- How long after its day began, in UTC, a record was recorded, by its author's clock, in ms, which is shorter than when: of a
-- day what was recorded last is first, and lists stand by it. The index holds all that lists are mostly narrowed by, so
-- that they are counted without a row's being read.
ALTER TABLE record ADD COLUMN since_day INTEGER NOT NULL DEFAULT 0;
DROP INDEX record_day;
CREATE INDEX record_day ON record (day, since_day, kind, state, log);
-- Entries whose author's clock cannot have been right: the latest time that their log knew before them, in ms since 1970, or 0
-- where their clock was ahead of the hub's. Nothing counts by it; it is shown.
CREATE TABLE clock_doubt (entry BLOB PRIMARY KEY, known INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- Why a record's date may be wrong, whoever looks: what clock_doubt says of the entry that put it, or 0 where it put a day
-- after its own clock's.
ALTER TABLE record ADD COLUMN doubt INTEGER;
CREATE INDEX record_in_doubt ON record (doubt) WHERE doubt IS NOT NULL;
-- Whether a record stands for a span of days: it counts on the last, and beside totals is said how many do.
ALTER TABLE record ADD COLUMN is_span INTEGER NOT NULL DEFAULT 0;
CREATE INDEX record_of_span ON record (day, state, log) WHERE is_span = 1;
-- Derived: the records made of one row of a file by several devices, and in which order one of them counts.
CREATE TABLE equal_import (
  set_id BLOB, rank INTEGER, id BLOB NOT NULL UNIQUE,
  is_linked INTEGER NOT NULL,   -- 0 where no link ever led from it or to it
  PRIMARY KEY (set_id, rank, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX equal_import_linked ON equal_import (set_id) WHERE is_linked = 1;
