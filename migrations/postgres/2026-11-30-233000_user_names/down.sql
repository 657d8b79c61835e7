DROP TRIGGER users_name_changed ON users;
DROP FUNCTION forget_name_folded();
DROP INDEX users_name;
ALTER TABLE users DROP COLUMN name_folded;
