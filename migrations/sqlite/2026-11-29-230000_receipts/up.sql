-- The seq of the last message that reached a device of each member of a room. Where a member has read further, that counts. Apart
-- from the room's row, which every message writes.
CREATE TABLE delivery_marks (
    room_id    TEXT NOT NULL PRIMARY KEY REFERENCES rooms (id),
    buyer_seq  BIGINT NOT NULL,
    seller_seq BIGINT NOT NULL
) WITHOUT ROWID;

-- Two more switches, and when a user was last active, in milliseconds since 1970, to the minute.
ALTER TABLE users ADD COLUMN delivery_receipts BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE users ADD COLUMN last_seen BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE users ADD COLUMN last_seen_at BIGINT;
