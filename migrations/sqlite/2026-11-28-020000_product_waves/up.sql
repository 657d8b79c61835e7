-- A change of a product goes through its rooms in waves, some rooms at a time, in the order of their buyers.
CREATE TABLE product_waves (
    product_id      TEXT NOT NULL PRIMARY KEY REFERENCES products (id),
    -- The buyer of the last room that the wave has reached: empty before its first room, NULL while there is no wave.
    reached         TEXT,
    -- The product has changed again since the wave began.
    is_behind       BOOLEAN NOT NULL DEFAULT 0,
    -- When the next wave may begin, and what the seller's own changes have used of their limit.
    next_wave_at    BIGINT  NOT NULL DEFAULT 0,
    seller_limit_at BIGINT  NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE INDEX product_waves_unfinished ON product_waves (product_id) WHERE reached IS NOT NULL;

-- The status of the product that was last said in the room, or at which it was opened.
ALTER TABLE rooms ADD COLUMN notified_status TEXT NOT NULL DEFAULT 'on_sale';
UPDATE rooms SET notified_status = (SELECT status FROM products WHERE products.id = rooms.product_id)
    WHERE product_id IN (SELECT id FROM products WHERE status <> 'on_sale');
