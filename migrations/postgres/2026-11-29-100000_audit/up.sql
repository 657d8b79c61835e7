-- What the marketplace's staff and its backend did and read: who, what, about whom, when and why. actor_id is NULL for the
-- backend. details is JSON. Rows have no foreign keys: they outlive what they are about.
CREATE SEQUENCE audit_id;
CREATE TABLE audit (
    id         BIGINT NOT NULL PRIMARY KEY DEFAULT nextval('audit_id'),
    at         BIGINT NOT NULL,
    actor_id   TEXT   COLLATE "C",
    action     TEXT   NOT NULL,
    user_id    TEXT   COLLATE "C",
    room_id    TEXT   COLLATE "C",
    product_id TEXT   COLLATE "C",
    message_id TEXT   COLLATE "C",
    report_id  TEXT   COLLATE "C",
    reason     TEXT,
    details    TEXT
);
ALTER SEQUENCE audit_id OWNED BY audit.id;

CREATE INDEX audit_actor ON audit (actor_id, id);
CREATE INDEX audit_user ON audit (user_id, id);
CREATE INDEX audit_room ON audit (room_id, id);

-- Append-only, whoever writes.
CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit is append-only';
END
$$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();
