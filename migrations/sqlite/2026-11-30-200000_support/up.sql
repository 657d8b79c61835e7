-- The other side of every support room, and what these rooms are about. No marketplace has a user or a product with these ids: `system`
-- was refused from the first version on, and an id has no control characters.
INSERT INTO users (id, name) VALUES ('system', 'Support') ON CONFLICT DO NOTHING;
INSERT INTO products (id, seller_id, title, status) VALUES (char(1) || 'support', 'system', 'Support', 'on_sale')
    ON CONFLICT DO NOTHING;

-- Support rooms in which a user waits for an answer, and since when.
CREATE TABLE support_waits (
    room_id TEXT NOT NULL PRIMARY KEY REFERENCES rooms (id),
    since   BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX support_waits_since ON support_waits (since, room_id);

-- Where there are support rooms already, after this was undone: a user waits since their first message that nobody has answered.
-- The newest messages of a file that was not closed are in the tail. Each room's are looked up by themselves.
INSERT INTO support_waits (room_id, since)
SELECT room_id, since FROM (
    SELECT r.id AS room_id, (
        SELECT min(sent_at) FROM (
            SELECT sent_at, seq FROM messages WHERE room_id = r.id AND sender_id = r.buyer_id AND kind <> 'system'
            UNION ALL
            SELECT sent_at, seq FROM message_tail WHERE room_id = r.id AND sender_id = r.buyer_id AND kind <> 'system'
        ) WHERE seq > (
            SELECT coalesce(max(seq), 0) FROM (
                SELECT seq FROM messages WHERE room_id = r.id AND sender_id <> r.buyer_id AND kind <> 'system'
                UNION ALL
                SELECT seq FROM message_tail WHERE room_id = r.id AND sender_id <> r.buyer_id AND kind <> 'system'
            )
        )
    ) AS since
    FROM rooms r JOIN users u ON u.id = r.buyer_id
    WHERE r.product_id = char(1) || 'support' AND u.deleted_at IS NULL
) WHERE since IS NOT NULL;

-- The rooms that the marketplace has frozen.
CREATE INDEX rooms_frozen ON rooms (id) WHERE frozen;
