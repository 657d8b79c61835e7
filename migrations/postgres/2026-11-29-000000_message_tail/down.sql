DROP TABLE read_mark_tail;
DROP TABLE message_tail;
