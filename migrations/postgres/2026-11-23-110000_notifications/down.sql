DROP TABLE imported_messages;
DROP TABLE notification_progress;
DROP TABLE notifications;
