DROP TABLE reports;
DROP TABLE blocks;
ALTER TABLE users DROP COLUMN presence;
ALTER TABLE users DROP COLUMN typing;
ALTER TABLE users DROP COLUMN read_receipts;
ALTER TABLE users DROP COLUMN muted_until;
