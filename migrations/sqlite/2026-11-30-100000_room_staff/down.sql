ALTER TABLE messages DROP COLUMN staff_name;
DROP TABLE room_staff;
