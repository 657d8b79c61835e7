-- Until when a user may not say anything: the latest mute of the reports that were upheld.
ALTER TABLE users ADD COLUMN muted_until BIGINT;
-- What a user shares with the other member, and gets to see of them.
ALTER TABLE users ADD COLUMN read_receipts BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE users ADD COLUMN typing BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE users ADD COLUMN presence BOOLEAN NOT NULL DEFAULT TRUE;

CREATE TABLE blocks (
    blocker_id TEXT   COLLATE "C" NOT NULL REFERENCES users (id),
    blocked_id TEXT   COLLATE "C" NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (blocker_id, blocked_id),
    CHECK (blocker_id <> blocked_id)
);

-- messages holds what was reported and what was said around it, as JSON: it can be edited or taken back later.
CREATE TABLE reports (
    id          TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    reporter_id TEXT   COLLATE "C" NOT NULL REFERENCES users (id),
    reported_id TEXT   COLLATE "C" NOT NULL REFERENCES users (id),
    room_id     TEXT   COLLATE "C" NOT NULL REFERENCES rooms (id),
    message_id  TEXT   COLLATE "C",
    category    TEXT   NOT NULL,
    text        TEXT,
    messages    TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    decision    TEXT,
    decided_at  BIGINT,
    mute_until  BIGINT
);

-- The queue, oldest first, and what was decided. An id grows with time.
CREATE INDEX reports_open ON reports (id) WHERE decision IS NULL;
CREATE INDEX reports_decided ON reports (id) WHERE decision IS NOT NULL;
-- Reporting twice is reporting once.
CREATE UNIQUE INDEX reports_open_once ON reports (reporter_id, room_id, coalesce(message_id, '')) WHERE decision IS NULL;
-- The mutes of a user, and every report that one has to do with.
CREATE INDEX reports_reported ON reports (reported_id, mute_until);
CREATE INDEX reports_reporter ON reports (reporter_id);
