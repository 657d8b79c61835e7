DROP TABLE erasures;
DROP INDEX products_seller;
