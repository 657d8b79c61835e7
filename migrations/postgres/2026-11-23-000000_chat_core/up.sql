-- Times are milliseconds since 1970-01-01T00:00:00Z. Ids are compared byte by byte, as everywhere else in haggle.

CREATE TABLE users (
    id         TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    avatar_url TEXT,
    deleted_at BIGINT
);

CREATE TABLE products (
    id        TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    seller_id TEXT   COLLATE "C" NOT NULL REFERENCES users (id),
    title     TEXT   NOT NULL,
    price     BIGINT,
    currency  TEXT,
    image_url TEXT,
    status    TEXT   NOT NULL
);

-- One row a buyer and product. last_seq numbers the messages.
CREATE TABLE rooms (
    id              TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    product_id      TEXT   COLLATE "C" NOT NULL REFERENCES products (id),
    buyer_id        TEXT   COLLATE "C" NOT NULL REFERENCES users (id),
    seller_id       TEXT   COLLATE "C" NOT NULL REFERENCES users (id),
    created_at      BIGINT NOT NULL,
    active_at       BIGINT NOT NULL,
    last_seq        BIGINT NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    buyer_read_seq  BIGINT NOT NULL DEFAULT 0 CHECK (buyer_read_seq BETWEEN 0 AND last_seq),
    seller_read_seq BIGINT NOT NULL DEFAULT 0 CHECK (seller_read_seq BETWEEN 0 AND last_seq),
    CHECK (buyer_id <> seller_id)
);

CREATE UNIQUE INDEX rooms_product_buyer ON rooms (product_id, buyer_id);
-- Own lists, latest activity first.
CREATE INDEX rooms_buyer_active ON rooms (buyer_id, active_at, id);
CREATE INDEX rooms_seller_active ON rooms (seller_id, active_at, id);

-- position is the global order of commits: the writer takes it from this sequence while it alone writes.
CREATE SEQUENCE messages_position;
CREATE TABLE messages (
    position   BIGINT NOT NULL PRIMARY KEY DEFAULT nextval('messages_position'),
    id         TEXT   COLLATE "C" NOT NULL,
    room_id    TEXT   COLLATE "C" NOT NULL REFERENCES rooms (id),
    seq        BIGINT NOT NULL CHECK (seq > 0),
    sender_id  TEXT   COLLATE "C" NOT NULL,
    client_id  TEXT   COLLATE "C",
    kind       TEXT   NOT NULL,
    text       TEXT,
    data       TEXT,
    sent_at    BIGINT NOT NULL,
    edited_at  BIGINT,
    deleted_at BIGINT
);
ALTER SEQUENCE messages_position OWNED BY messages.position;

CREATE UNIQUE INDEX messages_id ON messages (id);
CREATE UNIQUE INDEX messages_room_seq ON messages (room_id, seq);
-- Sending twice with one key stores once. Most rows of an import have no key, and cost nothing here.
CREATE UNIQUE INDEX messages_room_sender_client ON messages (room_id, sender_id, client_id) WHERE client_id IS NOT NULL;
