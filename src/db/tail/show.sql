CREATE TEMP TABLE tail_messages AS SELECT * FROM main.messages WHERE FALSE;
INSERT INTO temp.tail_messages
    (position, id, room_id, seq, sender_id, client_id, kind, text, data, sent_at, warnings, removed, reply_to)
SELECT position, id, room_id, seq, sender_id, client_id, kind, text, data, sent_at, warnings, FALSE, reply_to
FROM main.message_tail AS waiting
WHERE NOT EXISTS (SELECT 1 FROM main.messages AS settled WHERE settled.position = waiting.position);

CREATE TEMP TABLE tail_marks AS
SELECT room_id, user_id, max(seq) AS seq FROM (
    SELECT room_id, sender_id AS user_id, seq FROM main.message_tail
    UNION ALL SELECT room_id, user_id, read_seq FROM main.read_mark_tail
) GROUP BY room_id, user_id;

CREATE TEMP TABLE tail_rooms AS SELECT * FROM main.rooms WHERE id IN (SELECT room_id FROM temp.tail_marks);
UPDATE temp.tail_rooms SET last_seq = max(last_seq, newest.seq), active_at = max(active_at, newest.sent_at)
FROM (SELECT room_id, max(seq) AS seq, max(sent_at) AS sent_at FROM main.message_tail GROUP BY room_id) AS newest
WHERE id = newest.room_id;
UPDATE temp.tail_rooms SET buyer_read_seq = max(buyer_read_seq, mark.seq)
FROM temp.tail_marks AS mark WHERE id = mark.room_id AND buyer_id = mark.user_id;
UPDATE temp.tail_rooms SET seller_read_seq = max(seller_read_seq, mark.seq)
FROM temp.tail_marks AS mark WHERE id = mark.room_id AND seller_id = mark.user_id;

CREATE TEMP VIEW messages AS SELECT * FROM main.messages UNION ALL SELECT * FROM temp.tail_messages;
CREATE TEMP VIEW rooms AS
SELECT * FROM main.rooms WHERE id NOT IN (SELECT id FROM temp.tail_rooms) UNION ALL SELECT * FROM temp.tail_rooms;
