INSERT INTO message_index (message_index, rank) VALUES ('automerge', 4);
