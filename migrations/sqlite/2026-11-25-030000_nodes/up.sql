-- Whose session it is: the name of the node, among those that share a PostgreSQL database.
ALTER TABLE recoveries ADD COLUMN node TEXT NOT NULL DEFAULT '';
