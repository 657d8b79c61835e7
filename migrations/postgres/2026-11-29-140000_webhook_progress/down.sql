DROP TABLE webhook_progress;
