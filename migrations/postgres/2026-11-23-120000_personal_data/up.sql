-- A person's own products, for their export.
CREATE INDEX products_seller ON products (seller_id, id);

-- Erasures under way: up to where the messages of a deleted user have lost their words. Here so that a restart goes on.
CREATE TABLE erasures (
    user_id TEXT   COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id),
    room_id TEXT   COLLATE "C" NOT NULL DEFAULT '',
    seq     BIGINT NOT NULL DEFAULT 0
);

-- Who was deleted before lost the name alone; the words follow at the next start.
INSERT INTO erasures (user_id) SELECT id FROM users WHERE deleted_at IS NOT NULL;
