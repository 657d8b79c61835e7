ALTER TABLE recoveries DROP COLUMN node;
