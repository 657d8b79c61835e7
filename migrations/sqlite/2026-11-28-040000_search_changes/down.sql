DROP TABLE message_index_changes;
