DROP INDEX rooms_buyer_list;
DROP INDEX rooms_seller_list;
CREATE INDEX rooms_buyer_active ON rooms (buyer_id, active_at, id);
CREATE INDEX rooms_seller_active ON rooms (seller_id, active_at, id);
ALTER TABLE rooms DROP COLUMN buyer_place;
ALTER TABLE rooms DROP COLUMN seller_place;
ALTER TABLE rooms DROP COLUMN member_flags;
