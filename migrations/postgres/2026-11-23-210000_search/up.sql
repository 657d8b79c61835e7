-- The words of every message in lower case, and whose conversation it is. It follows behind the commits, so that a message
-- costs the same whether anybody ever searches; position is messages.position.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE message_index (
    position  BIGINT NOT NULL PRIMARY KEY,
    buyer_id  TEXT   COLLATE "C" NOT NULL,
    seller_id TEXT   COLLATE "C" NOT NULL,
    text      TEXT   NOT NULL
);
-- A word of three characters and more among one's own messages: both are looked up in one index.
CREATE INDEX message_index_words ON message_index USING gin ((ARRAY[buyer_id, seller_id]), text gin_trgm_ops);
-- One's own messages, newest first: for words that are shorter or in every message.
CREATE INDEX message_index_buyer ON message_index (buyer_id, position);
CREATE INDEX message_index_seller ON message_index (seller_id, position);

-- Up to which messages.position the index has come. It follows behind the commits, by itself and before each search.
CREATE TABLE message_index_progress (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    indexed_to BIGINT  NOT NULL
);
INSERT INTO message_index_progress (id, indexed_to) VALUES (1, 0);
