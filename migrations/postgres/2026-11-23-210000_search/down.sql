DROP TABLE message_index_progress;
DROP TABLE message_index;
