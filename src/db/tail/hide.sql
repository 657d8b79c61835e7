DROP VIEW IF EXISTS temp.rooms;
DROP VIEW IF EXISTS temp.messages;
DROP TABLE IF EXISTS temp.tail_rooms;
DROP TABLE IF EXISTS temp.tail_marks;
DROP TABLE IF EXISTS temp.tail_messages;
