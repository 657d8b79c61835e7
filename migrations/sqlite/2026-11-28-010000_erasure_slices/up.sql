-- Up to where the reports of a deleted user have lost their words; they come after the messages.
ALTER TABLE erasures ADD COLUMN report_id TEXT NOT NULL DEFAULT '';
-- The reports of a user in the order of their ids.
CREATE INDEX reports_reported_id ON reports (reported_id, id);
-- The rooms of a user in the order of their ids.
CREATE INDEX rooms_buyer ON rooms (buyer_id, id);
CREATE INDEX rooms_seller ON rooms (seller_id, id);
