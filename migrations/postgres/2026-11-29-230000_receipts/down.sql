ALTER TABLE users DROP COLUMN last_seen_at;
ALTER TABLE users DROP COLUMN last_seen;
ALTER TABLE users DROP COLUMN delivery_receipts;
DROP TABLE delivery_marks;
