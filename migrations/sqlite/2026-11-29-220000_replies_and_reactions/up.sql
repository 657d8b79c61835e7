-- The seq of the earlier message of its room that a message replies to.
ALTER TABLE messages ADD COLUMN reply_to BIGINT;
ALTER TABLE message_tail ADD COLUMN reply_to BIGINT;

-- What the room's two members have reacted with, as JSON: [{"userId", "emoji"}]. NULL where nobody has.
ALTER TABLE messages ADD COLUMN reactions TEXT;
-- For the erasure of a user, who may have reacted to anything in their rooms.
CREATE INDEX messages_reacted ON messages (room_id, seq) WHERE reactions IS NOT NULL;
