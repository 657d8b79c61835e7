-- When the marketplace made and last changed a user or a product, as an import says, or else when haggle first heard of it and
-- of its last change. NULL where neither is known.
ALTER TABLE users ADD COLUMN created_at BIGINT;
ALTER TABLE users ADD COLUMN updated_at BIGINT;
ALTER TABLE products ADD COLUMN created_at BIGINT;
ALTER TABLE products ADD COLUMN updated_at BIGINT;
