-- The version before folds texts in its own way.
TRUNCATE message_index;
UPDATE message_index_progress SET indexed_to = 0;
