-- How far the hub was last seen to hold each branch: what lies beyond waits for delivery.
CREATE TABLE on_hub (
  log INTEGER NOT NULL REFERENCES log,
  branch INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (log, branch)
) STRICT, WITHOUT ROWID;
-- Numbers seals heard in the order in which they came, for cursors.
ALTER TABLE heard ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
