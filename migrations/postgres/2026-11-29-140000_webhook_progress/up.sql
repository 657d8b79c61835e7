-- Up to where the webhook was sent the events, and when to try next. No row before it is used for the first time: what
-- happened before is not sent.
CREATE TABLE webhook_progress (
    id        BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    -- The place in the stream of events: the last message, and the last of the other changes.
    position  BIGINT NOT NULL,
    change_id BIGINT NOT NULL,
    -- Tries in a row that the webhook did not take.
    attempts  BIGINT NOT NULL,
    -- When to try next. While a node tries, others leave it alone until then.
    due_at    BIGINT NOT NULL
);
