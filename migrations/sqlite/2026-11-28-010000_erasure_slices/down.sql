DROP INDEX rooms_seller;
DROP INDEX rooms_buyer;
DROP INDEX reports_reported_id;
ALTER TABLE erasures DROP COLUMN report_id;
