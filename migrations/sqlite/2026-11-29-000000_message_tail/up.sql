-- Messages that are committed, and wait to be moved into `messages`. There is nothing to find them by but their position: a
-- commit appends them to the last page. `read_mark_tail` holds the read marks that wait to be moved into `rooms`.
CREATE TABLE message_tail (
    position  INTEGER NOT NULL PRIMARY KEY,
    id        TEXT    NOT NULL,
    room_id   TEXT    NOT NULL,
    seq       BIGINT  NOT NULL,
    sender_id TEXT    NOT NULL,
    client_id TEXT,
    kind      TEXT    NOT NULL,
    text      TEXT,
    data      TEXT,
    sent_at   BIGINT  NOT NULL,
    warnings  TEXT
);

CREATE TABLE read_mark_tail (
    room_id  TEXT   NOT NULL,
    user_id  TEXT   NOT NULL,
    read_seq BIGINT NOT NULL,
    PRIMARY KEY (room_id, user_id)
) WITHOUT ROWID;
