-- SQLite alone fills these: with several nodes, each must see at once what the others have committed.
CREATE TABLE message_tail (
    position  BIGINT  NOT NULL PRIMARY KEY,
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
);
