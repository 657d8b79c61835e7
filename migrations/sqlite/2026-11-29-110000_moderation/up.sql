-- Mutes and bans that staff set, the one of each kind that counts. until is NULL for one without an end.
CREATE TABLE sanctions (
    kind       TEXT   NOT NULL,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    until      BIGINT,
    reason     TEXT   NOT NULL,
    actor_id   TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (kind, user_id)
) WITHOUT ROWID;

-- Until when a token of this user is refused, and since when mutes of earlier reports don't count.
ALTER TABLE users ADD COLUMN banned_until BIGINT;
ALTER TABLE users ADD COLUMN unmuted_at BIGINT;
CREATE INDEX users_muted ON users (muted_until, id) WHERE muted_until IS NOT NULL;
CREATE INDEX users_banned ON users (banned_until, id) WHERE banned_until IS NOT NULL;

-- Whether nobody can say anything in a room, and whether nobody can open one for a product.
ALTER TABLE rooms ADD COLUMN frozen BOOLEAN NOT NULL DEFAULT 0;
ALTER TABLE products ADD COLUMN unlisted BOOLEAN NOT NULL DEFAULT 0;

-- Whether the marketplace has removed a message, which is deleted then.
ALTER TABLE messages ADD COLUMN removed BOOLEAN NOT NULL DEFAULT 0;

-- The words of messages that the marketplace has removed, kept for the audit as long as --keep-removed says.
CREATE TABLE removed_messages (
    message_id TEXT   NOT NULL PRIMARY KEY,
    sender_id  TEXT   NOT NULL,
    text       TEXT,
    data       TEXT,
    removed_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX removed_messages_at ON removed_messages (removed_at);
CREATE INDEX removed_messages_sender ON removed_messages (sender_id);

-- What staff note about a user or a report. An id grows with time.
CREATE TABLE notes (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   REFERENCES users (id),
    report_id  TEXT   REFERENCES reports (id),
    actor_id   TEXT,
    text       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX notes_user ON notes (user_id, id);
CREATE INDEX notes_report ON notes (report_id, id);

-- Reports by what they are about.
CREATE INDEX reports_category ON reports (category, id);
