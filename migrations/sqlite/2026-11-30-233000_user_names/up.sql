-- Names in the form in which they are compared, by whose beginning staff finds people: NULL until they are filled in, which happens in
-- slices while the server runs, and empty for a user who was deleted.
ALTER TABLE users ADD COLUMN name_folded TEXT;
CREATE INDEX users_name ON users (name_folded, id);
