-- What the marketplace's staff and its backend did and read: who, what, about whom, when and why. actor_id is NULL for the
-- backend. details is JSON. Rows have no foreign keys: they outlive what they are about.
CREATE TABLE audit (
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at         BIGINT  NOT NULL,
    actor_id   TEXT,
    action     TEXT    NOT NULL,
    user_id    TEXT,
    room_id    TEXT,
    product_id TEXT,
    message_id TEXT,
    report_id  TEXT,
    reason     TEXT,
    details    TEXT
);

CREATE INDEX audit_actor ON audit (actor_id, id);
CREATE INDEX audit_user ON audit (user_id, id);
CREATE INDEX audit_room ON audit (room_id, id);

-- Append-only, whoever writes.
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
