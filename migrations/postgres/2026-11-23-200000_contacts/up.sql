-- Whether the two may exchange telephone numbers and the like: from the first accepted offer on.
ALTER TABLE rooms ADD COLUMN contact_allowed BOOLEAN NOT NULL DEFAULT FALSE;
-- What the masking rule found in a message, as names with commas between them.
ALTER TABLE messages ADD COLUMN warnings TEXT;
UPDATE rooms SET contact_allowed = TRUE WHERE id IN (SELECT room_id FROM offers WHERE status = 'accepted');
