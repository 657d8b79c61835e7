-- The search index now has texts in the form in which they are compared: normalized, and in folded case. It begins again, and is
-- built after the commits, in slices, as before. Until it has come to a message, a search reads that directly.
INSERT INTO message_index (message_index) VALUES ('delete-all');
DELETE FROM message_index_changes;
UPDATE message_index_progress SET indexed_to = 0;
