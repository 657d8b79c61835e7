ALTER TABLE rooms DROP COLUMN notified_status;
DROP TABLE product_waves;
