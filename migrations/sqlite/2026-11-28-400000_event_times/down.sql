DELETE FROM changes WHERE kind IN
    ('offer_updated', 'report_created', 'report_decided', 'block_updated', 'mute_updated', 'settings_updated');
ALTER TABLE imported_messages DROP COLUMN imported_at;
ALTER TABLE changes DROP COLUMN committed_at;
