-- What was done about a user, without what was only read: the few entries among the many of each look at them.
CREATE INDEX audit_user_actions ON audit (user_id, id) WHERE action NOT IN ('read_user', 'list_user_rooms', 'read_product', 'list_product_rooms', 'read_room', 'read_messages', 'search_messages', 'list_reports', 'read_report', 'list_mutes', 'list_bans', 'list_notes', 'read_audit');
