DROP TABLE web_pushes;
DROP TABLE push_subscriptions;
