-- Which database this is, and which of its lives: a cursor of `GET /events` is good for one generation. A restored backup
-- begins another one. '' in a copy that has not been served yet: its first start draws one.
CREATE TABLE installation (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    identity   TEXT    NOT NULL,
    generation TEXT    NOT NULL
);
INSERT INTO installation (id, identity, generation) VALUES (1, lower(hex(randomblob(16))), lower(hex(randomblob(16))));
-- Cursors from before this migration name no generation. They stay good where there was something to follow: while the two
-- are the same.
UPDATE installation SET generation = identity WHERE EXISTS (SELECT 1 FROM changes);
-- "hagg": tells this file from other programs' databases.
PRAGMA application_id = 1751213927;
