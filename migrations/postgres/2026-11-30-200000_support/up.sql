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

-- Where there are support rooms already, after this was undone: a user waits since their first message that nobody has answered.
INSERT INTO support_waits (room_id, since)
SELECT r.id, min(m.sent_at) FROM rooms r
    JOIN users u ON u.id = r.buyer_id AND u.deleted_at IS NULL
    JOIN messages m ON m.room_id = r.id AND m.sender_id = r.buyer_id AND m.kind <> 'system'
WHERE r.product_id = chr(1) || 'support' AND m.seq > (
    SELECT coalesce(max(a.seq), 0) FROM messages a WHERE a.room_id = r.id AND a.sender_id <> r.buyer_id AND a.kind <> 'system'
)
GROUP BY r.id;

-- The rooms that the marketplace has frozen.
CREATE INDEX rooms_frozen ON rooms (id) WHERE frozen;
