-- When each change was committed, in milliseconds since 1970. Of those that are there already the time is exact where their
-- subject says it, and else that of the newest message that they follow: they are no older than that.
ALTER TABLE changes ADD COLUMN committed_at BIGINT NOT NULL DEFAULT 0;
UPDATE changes SET committed_at = coalesce(
    CASE kind
        WHEN 'room_opened' THEN (SELECT r.created_at FROM rooms r WHERE r.id = changes.subject_id)
        WHEN 'user_deleted' THEN (SELECT u.deleted_at FROM users u WHERE u.id = changes.subject_id)
        WHEN 'message_updated' THEN
            (SELECT coalesce(m.deleted_at, m.edited_at) FROM messages m WHERE m.id = changes.subject_id)
    END,
    (SELECT m.sent_at FROM messages m WHERE m.position <= changes.after_position ORDER BY m.position DESC LIMIT 1),
    (SELECT m.sent_at FROM messages m ORDER BY m.position LIMIT 1),
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint
);
-- For nodes of the version before, which go on writing while the others are upgraded.
ALTER TABLE changes ALTER COLUMN committed_at SET DEFAULT (extract(epoch FROM clock_timestamp()) * 1000)::bigint;

-- When each import stored its messages; NULL where nobody noted it.
ALTER TABLE imported_messages ADD COLUMN imported_at BIGINT;

-- What counts as an event from this version on, as it stands: a reader gets it once.
INSERT INTO changes (after_position, committed_at, kind, subject_id)
    SELECT (SELECT coalesce(max(position), 0) FROM messages), m.sent_at, 'offer_updated', o.message_id
    FROM offers o JOIN messages m ON m.id = o.message_id ORDER BY m.position;
INSERT INTO changes (after_position, committed_at, kind, subject_id)
    SELECT (SELECT coalesce(max(position), 0) FROM messages), created_at, 'report_created', id FROM reports ORDER BY id;
INSERT INTO changes (after_position, committed_at, kind, subject_id)
    SELECT (SELECT coalesce(max(position), 0) FROM messages), decided_at, 'report_decided', id
    FROM reports WHERE decided_at IS NOT NULL ORDER BY id;
INSERT INTO changes (after_position, committed_at, kind, subject_id, member_id)
    SELECT (SELECT coalesce(max(position), 0) FROM messages), created_at, 'block_updated', blocker_id, blocked_id
    FROM blocks ORDER BY created_at, blocker_id, blocked_id;
INSERT INTO changes (after_position, committed_at, kind, subject_id)
    SELECT (SELECT coalesce(max(position), 0) FROM messages),
        coalesce(
            (SELECT max(r.decided_at) FROM reports r WHERE r.reported_id = u.id AND r.mute_until IS NOT NULL),
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint
        ),
        'mute_updated', u.id
    FROM users u WHERE u.muted_until IS NOT NULL ORDER BY u.id;
INSERT INTO changes (after_position, committed_at, kind, subject_id)
    SELECT (SELECT coalesce(max(position), 0) FROM messages), (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
        'settings_updated', id
    FROM users WHERE NOT (read_receipts AND typing AND presence) ORDER BY id;
