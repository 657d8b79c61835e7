-- PostgreSQL's index merges by itself, beside those who write.
SELECT 1;
