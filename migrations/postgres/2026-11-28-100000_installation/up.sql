-- Which database this is, and which of its lives: a cursor of `GET /events` is good for one generation. What a restore
-- changes in addition to this row (the database, its tables, the server's timeline) is asked of PostgreSQL itself.
CREATE TABLE installation (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    identity   TEXT    NOT NULL,
    generation TEXT    NOT NULL
);
INSERT INTO installation (id, identity, generation)
    VALUES (1, replace(gen_random_uuid()::text, '-', ''), replace(gen_random_uuid()::text, '-', ''));
-- Cursors from before this migration name no generation. They stay good where there was something to follow: while the two
-- are the same.
UPDATE installation SET generation = identity WHERE EXISTS (SELECT 1 FROM changes);
