-- The parts of the search index are merged a little with each piece that is added, and not by FTS5 at a time of its own.
INSERT INTO message_index (message_index, rank) VALUES ('automerge', 0);
