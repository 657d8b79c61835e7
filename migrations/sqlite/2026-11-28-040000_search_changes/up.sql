-- Messages whose words the search index does not have as they stand: edited and deleted ones, and long ones that are being taken in.
-- It has the first `kept` characters of `text`. That changes a few words at a time: one long text at once would hold up every
-- message. Those of erased users come first.
CREATE TABLE message_index_changes (
    position  INTEGER NOT NULL PRIMARY KEY,
    is_erased BOOLEAN NOT NULL,
    stage     TEXT    NOT NULL,
    kept      BIGINT  NOT NULL,
    text      TEXT    NOT NULL
);
CREATE INDEX message_index_changes_order ON message_index_changes (is_erased, position);
