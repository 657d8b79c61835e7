-- The member of the staff who looks after a report.
ALTER TABLE reports ADD COLUMN assignee_id TEXT COLLATE "C";
CREATE INDEX reports_open_assignee ON reports (assignee_id, id) WHERE decision IS NULL;
CREATE INDEX reports_decided_assignee ON reports (assignee_id, id) WHERE decision IS NOT NULL;
