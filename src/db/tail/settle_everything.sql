INSERT INTO messages (position, id, room_id, seq, sender_id, client_id, kind, text, data, sent_at, warnings, reply_to)
SELECT position, id, room_id, seq, sender_id, client_id, kind, text, data, sent_at, warnings, reply_to
FROM message_tail AS waiting
WHERE NOT EXISTS (SELECT 1 FROM messages WHERE messages.position = waiting.position)
ORDER BY room_id, seq;

UPDATE rooms SET last_seq = max(last_seq, newest.seq), active_at = max(active_at, newest.sent_at)
FROM (SELECT room_id, max(seq) AS seq, max(sent_at) AS sent_at FROM message_tail GROUP BY room_id) AS newest
WHERE rooms.id = newest.room_id;

UPDATE rooms SET buyer_read_seq = max(buyer_read_seq, mark.seq)
FROM (
    SELECT room_id, user_id, max(seq) AS seq FROM (
        SELECT room_id, sender_id AS user_id, seq FROM message_tail
        UNION ALL SELECT room_id, user_id, read_seq FROM read_mark_tail
    ) GROUP BY room_id, user_id
) AS mark
WHERE rooms.id = mark.room_id AND rooms.buyer_id = mark.user_id;

UPDATE rooms SET seller_read_seq = max(seller_read_seq, mark.seq)
FROM (
    SELECT room_id, user_id, max(seq) AS seq FROM (
        SELECT room_id, sender_id AS user_id, seq FROM message_tail
        UNION ALL SELECT room_id, user_id, read_seq FROM read_mark_tail
    ) GROUP BY room_id, user_id
) AS mark
WHERE rooms.id = mark.room_id AND rooms.seller_id = mark.user_id;

DELETE FROM message_tail;
DELETE FROM read_mark_tail;
