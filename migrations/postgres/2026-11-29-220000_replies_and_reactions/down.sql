DROP INDEX messages_reacted;
ALTER TABLE messages DROP COLUMN reactions;
ALTER TABLE message_tail DROP COLUMN reply_to;
ALTER TABLE messages DROP COLUMN reply_to;
