-- Members of the staff in rooms, since when, and until when: a row stays after they have left. What they said there is found by it.
CREATE TABLE room_staff (
    room_id   TEXT NOT NULL REFERENCES rooms (id),
    user_id   TEXT NOT NULL REFERENCES users (id),
    joined_at BIGINT NOT NULL,
    left_at   BIGINT,
    PRIMARY KEY (room_id, user_id)
) WITHOUT ROWID;
CREATE INDEX room_staff_user ON room_staff (user_id, room_id);

-- The name of the member of the staff who said it, as it was then; empty for one who was deleted since. NULL for what members and
-- the marketplace say.
ALTER TABLE messages ADD COLUMN staff_name TEXT;
