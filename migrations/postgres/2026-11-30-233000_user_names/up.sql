-- Names in the form in which they are compared, by whose beginning staff finds people: NULL until they are filled in, which happens in
-- slices while the server runs, and empty for a user who was deleted.
ALTER TABLE users ADD COLUMN name_folded TEXT COLLATE "C";
CREATE INDEX users_name ON users (name_folded, id);

-- A node of an earlier version changes a name, or deletes a user, without this column: it is then filled in again.
CREATE FUNCTION forget_name_folded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name IS DISTINCT FROM OLD.name AND NEW.name_folded IS NOT DISTINCT FROM OLD.name_folded THEN
        NEW.name_folded := NULL;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER users_name_changed BEFORE UPDATE OF name ON users FOR EACH ROW EXECUTE FUNCTION forget_name_folded();
