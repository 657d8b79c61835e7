-- What each member's own list does with a room. A place is -1 for a room that is not shown, 0 in the archive, 1 in the list,
-- 2 for a pinned one.
ALTER TABLE rooms ADD COLUMN buyer_place BIGINT NOT NULL DEFAULT 1 CHECK (buyer_place BETWEEN -1 AND 2);
ALTER TABLE rooms ADD COLUMN seller_place BIGINT NOT NULL DEFAULT 1 CHECK (seller_place BETWEEN -1 AND 2);
-- 1 where the buyer has muted the room, 2 where they have marked it as unread; 4 and 8 are the seller's.
ALTER TABLE rooms ADD COLUMN member_flags BIGINT NOT NULL DEFAULT 0;

-- Sellers see a room from its first message on; a notice about one of the members is none.
UPDATE rooms SET seller_place = -1 WHERE NOT EXISTS (
    SELECT 1 FROM messages
    WHERE messages.room_id = rooms.id AND (kind <> 'system' OR data IS NULL OR data NOT LIKE '%"about"%')
);

-- Own lists: pinned rooms first, then by latest activity. In place of the indices without the place: each message moves its
-- room in both lists. The version before this one sorts a user's rooms by itself until it is replaced.
DROP INDEX rooms_buyer_active;
DROP INDEX rooms_seller_active;
CREATE INDEX rooms_buyer_list ON rooms (buyer_id, buyer_place, active_at, id);
CREATE INDEX rooms_seller_list ON rooms (seller_id, seller_place, active_at, id);
