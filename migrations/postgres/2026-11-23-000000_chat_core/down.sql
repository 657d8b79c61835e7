DROP TABLE messages;
DROP TABLE rooms;
DROP TABLE products;
DROP TABLE users;
