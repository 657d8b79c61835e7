DROP INDEX reports_decided_assignee;
DROP INDEX reports_open_assignee;
ALTER TABLE reports DROP COLUMN assignee_id;
