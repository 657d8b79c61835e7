-- What became of each message of the kind `offer`. The message's own data says the same, for those who read it.
CREATE TABLE offers (
    message_id TEXT   COLLATE "C" NOT NULL PRIMARY KEY REFERENCES messages (id),
    room_id    TEXT   COLLATE "C" NOT NULL REFERENCES rooms (id),
    product_id TEXT   COLLATE "C" NOT NULL REFERENCES products (id),
    offered_by TEXT   NOT NULL CHECK (offered_by IN ('buyer', 'seller')),
    amount     BIGINT NOT NULL CHECK (amount > 0),
    currency   TEXT   NOT NULL,
    status     TEXT   NOT NULL,
    expires_at BIGINT NOT NULL
);

-- One offer a room waits for an answer, and one a product is accepted: not even a fault of haggle's makes it two.
CREATE UNIQUE INDEX offers_room_pending ON offers (room_id) WHERE status = 'pending';
CREATE UNIQUE INDEX offers_product_accepted ON offers (product_id) WHERE status = 'accepted';
CREATE INDEX offers_product_status ON offers (product_id, status);
CREATE INDEX offers_expiry_pending ON offers (expires_at) WHERE status = 'pending';
