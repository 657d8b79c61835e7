-- What clients of Socket.IO find again when they come back after a lost transport: the rooms that they were in.
-- pid_hash is the SHA-256 of the secret that only the client has. rooms is JSON, [[room id, seq], …]: up to seq the client
-- had the room's messages when it entered. ended_at is NULL while the session lives.
CREATE TABLE recoveries (
    pid_hash TEXT   COLLATE "C" NOT NULL PRIMARY KEY,
    user_id  TEXT   COLLATE "C" NOT NULL,
    rooms    TEXT   NOT NULL,
    ended_at BIGINT
);

-- The old ones are forgotten.
CREATE INDEX recoveries_ended ON recoveries (ended_at);
