-- The other side of every support room, and what these rooms are about. No marketplace has a user or a product with these ids: `system`
-- was refused from the first version on, and an id has no control characters.
INSERT INTO users (id, name) VALUES ('system', 'Support') ON CONFLICT DO NOTHING;
INSERT INTO products (id, seller_id, title, status) VALUES (chr(1) || 'support', 'system', 'Support', 'on_sale')
    ON CONFLICT DO NOTHING;

-- Support rooms in which a user waits for an answer, and since when.
CREATE TABLE support_waits (
    room_id TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES rooms (id),
    since   BIGINT NOT NULL
);
CREATE INDEX support_waits_since ON support_waits (since, room_id);

-- The rooms that the marketplace has frozen.
CREATE INDEX rooms_frozen ON rooms (id) WHERE frozen;
