DROP TABLE installation;
PRAGMA application_id = 0;
