-- The words of every message, by each three characters in a row, and whose conversation it is: a token of three
-- characters for the buyer and one for the seller, so that a search looks at its own user's messages alone. It keeps no
-- text of its own; rowid is messages.position. detail=column: which messages, not where in them.
CREATE VIRTUAL TABLE message_index USING fts5(
    text, buyer, seller,
    content = '', columnsize = 0, detail = column, tokenize = 'trigram'
);
-- What is taken out is overwritten at once and leaves no mark: erased words are gone from here, too.
INSERT INTO message_index (message_index, rank) VALUES ('secure-delete', 1);

-- Up to which messages.position the index has come. It follows behind the commits, by itself and before each search.
CREATE TABLE message_index_progress (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    indexed_to BIGINT  NOT NULL
);
INSERT INTO message_index_progress (id, indexed_to) VALUES (1, 0);
