-- The outbox of the webhook: one row for each room and member whose unread messages the marketplace was or will be told
-- of. It holds no text: what is sent is read when it is sent.
CREATE TABLE notifications (
    room_id    TEXT   COLLATE "C" NOT NULL REFERENCES rooms (id),
    user_id    TEXT   COLLATE "C" NOT NULL REFERENCES users (id),
    -- The receiver's key against doubles.
    id         TEXT   COLLATE "C" NOT NULL,
    -- How far the member had read: the run of unread messages that this is about. Reading begins another.
    read_seq   BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts   BIGINT NOT NULL DEFAULT 0,
    -- When to try next; NULL once it was told, or given up.
    due_at     BIGINT,
    PRIMARY KEY (room_id, user_id)
);

CREATE INDEX notifications_due ON notifications (due_at) WHERE due_at IS NOT NULL;

-- Up to where messages were looked through. No row before the webhook is used for the first time: what was unread
-- before is nothing to tell of.
CREATE TABLE notification_progress (
    id       BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    position BIGINT NOT NULL
);

-- Messages that came by an import: old words are nothing to tell of.
CREATE TABLE imported_messages (
    first_position BIGINT NOT NULL PRIMARY KEY,
    last_position  BIGINT NOT NULL
);
