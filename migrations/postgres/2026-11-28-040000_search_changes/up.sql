-- PostgreSQL's index takes texts in and out at once, and others go on meanwhile.
SELECT 1;
