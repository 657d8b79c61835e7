-- What was changed, beside the messages, which are in the order of commits by themselves. A row names its subject and
-- holds nothing of it: whoever reads the events gets the subject as it then stands, and there is nothing to erase here.
--
-- after_position is the newest message at that time: it puts the two tables into one order. A later change of the same
-- kind and subject replaces the earlier one and gets a new id, so the table is bounded by what there is to change.
CREATE SEQUENCE changes_id;
CREATE TABLE changes (
    id             BIGINT NOT NULL PRIMARY KEY DEFAULT nextval('changes_id'),
    after_position BIGINT NOT NULL,
    kind           TEXT   NOT NULL,
    subject_id     TEXT   COLLATE "C" NOT NULL,
    member_id      TEXT   COLLATE "C" NOT NULL DEFAULT ''
);
ALTER SEQUENCE changes_id OWNED BY changes.id;

CREATE UNIQUE INDEX changes_subject ON changes (subject_id, member_id, kind);

-- What was there before, so that a reader who starts at the beginning gets all of it: parents before what they hold.
INSERT INTO changes (after_position, kind, subject_id)
    SELECT 0, CASE WHEN deleted_at IS NULL THEN 'user_updated' ELSE 'user_deleted' END, id FROM users ORDER BY id;
INSERT INTO changes (after_position, kind, subject_id) SELECT 0, 'product_updated', id FROM products ORDER BY id;
INSERT INTO changes (after_position, kind, subject_id) SELECT 0, 'room_opened', id FROM rooms ORDER BY created_at, id;
INSERT INTO changes (after_position, kind, subject_id, member_id)
    SELECT (SELECT coalesce(max(position), 0) FROM messages), 'read', id, buyer_id FROM rooms WHERE buyer_read_seq > 0;
INSERT INTO changes (after_position, kind, subject_id, member_id)
    SELECT (SELECT coalesce(max(position), 0) FROM messages), 'read', id, seller_id FROM rooms WHERE seller_read_seq > 0;
