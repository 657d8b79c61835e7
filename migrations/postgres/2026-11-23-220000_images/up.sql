-- Images whose message was taken back: their files are still to be removed from the store.
CREATE TABLE discarded_images (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY
);
