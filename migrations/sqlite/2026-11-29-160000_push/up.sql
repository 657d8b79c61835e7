-- Where devices are reached: browsers by Web Push, native apps by the marketplace's backend.
CREATE TABLE push_subscriptions (
    id           TEXT   NOT NULL PRIMARY KEY,
    user_id      TEXT   NOT NULL REFERENCES users (id),
    platform     TEXT   NOT NULL,
    -- The endpoint of a browser, the token of a native app.
    address      TEXT   NOT NULL,
    -- A browser's keys, as base64url.
    p256dh       TEXT,
    auth         TEXT,
    language     TEXT,
    created_at   BIGINT NOT NULL,
    refreshed_at BIGINT NOT NULL,
    -- Tries in a row that its push service did not take.
    failures     BIGINT NOT NULL DEFAULT 0,
    -- When something is to be pushed to it; NULL while nothing waits.
    due_at       BIGINT
) WITHOUT ROWID;
CREATE UNIQUE INDEX push_subscriptions_address ON push_subscriptions (platform, address);
CREATE INDEX push_subscriptions_user ON push_subscriptions (user_id, refreshed_at, id);
CREATE INDEX push_subscriptions_due ON push_subscriptions (due_at) WHERE due_at IS NOT NULL;

-- What waits to be pushed: one row per subscription and room. It holds no text: what is sent is read when it is sent.
CREATE TABLE web_pushes (
    subscription_id TEXT   NOT NULL REFERENCES push_subscriptions (id) ON DELETE CASCADE,
    room_id         TEXT   NOT NULL REFERENCES rooms (id),
    -- The id that the webhook has for the same.
    id              TEXT   NOT NULL,
    -- How far the member had read.
    read_seq        BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (subscription_id, room_id)
) WITHOUT ROWID;
CREATE INDEX web_pushes_oldest ON web_pushes (subscription_id, created_at, room_id);
CREATE INDEX web_pushes_created ON web_pushes (created_at);
