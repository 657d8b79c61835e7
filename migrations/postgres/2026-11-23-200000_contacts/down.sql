ALTER TABLE messages DROP COLUMN warnings;
ALTER TABLE rooms DROP COLUMN contact_allowed;
