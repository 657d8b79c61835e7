-- The version before folds texts in its own way.
INSERT INTO message_index (message_index) VALUES ('delete-all');
DELETE FROM message_index_changes;
UPDATE message_index_progress SET indexed_to = 0;
