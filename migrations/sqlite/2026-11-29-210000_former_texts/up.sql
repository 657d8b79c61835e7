-- What edited messages said before, oldest first, kept for the audit as long as --keep-removed says.
CREATE TABLE former_texts (
    message_id  TEXT NOT NULL,
    number      BIGINT NOT NULL,
    sender_id   TEXT NOT NULL,
    text        TEXT,
    replaced_at BIGINT NOT NULL,
    PRIMARY KEY (message_id, number)
) WITHOUT ROWID;
CREATE INDEX former_texts_at ON former_texts (replaced_at);
CREATE INDEX former_texts_sender ON former_texts (sender_id);
