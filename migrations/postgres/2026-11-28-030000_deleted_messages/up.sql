-- The messages of a room that were deleted: unread ones are counted without reading any words.
CREATE INDEX messages_deleted ON messages (room_id, seq) WHERE deleted_at IS NOT NULL;
