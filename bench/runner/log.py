"""What storing costs on the disk: bytes of SQLite's write-ahead log, and of the database file. The same for every server."""

import os
import sqlite3
import struct
import threading
from contextlib import closing

# https://www.sqlite.org/walformat.html, sections 1 and 2.2
LOG_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
INDEX_HEADER_BYTES = 48
# A log of 64 MiB at 200 MB per second lasts 300 ms.
LOOK_EVERY_S = 0.02


class LogMeter:
    """Counts the frames that a server appends to its log, by the header of the log's index in `-shm`.

    The log begins again at its start when all of it is in the file. The frames that came between the last look and that
    moment are still there, after the new ones, and are counted by their salt.
    """

    def __init__(self, database):
        self.database, self.frames, self.page_bytes = database, 0, 4096
        self.salt, self.end = None, 0
        self.is_done = threading.Event()
        self.look(is_first=True)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.is_done.wait(LOOK_EVERY_S):
            self.look()

    def stop(self):
        """Bytes appended since the start."""
        self.is_done.set()
        self.thread.join()
        self.look()
        return self.frames * (self.page_bytes + FRAME_HEADER_BYTES)

    def look(self, is_first=False):
        header = self.read("-shm", 0, 2 * INDEX_HEADER_BYTES)
        # The header stands there twice, so that a reader sees a write in progress.
        if len(header) < 2 * INDEX_HEADER_BYTES or header[:INDEX_HEADER_BYTES] != header[INDEX_HEADER_BYTES:]:
            return
        page_bytes, end = struct.unpack_from("=HI", header, 14)
        self.page_bytes = 65536 if page_bytes == 1 else page_bytes
        salt = header[32:40]
        if salt == self.salt:
            self.frames += max(0, end - self.end)
        elif not is_first:
            self.frames += self.rest_of(self.salt, self.end) + end
        self.salt, self.end = salt, end

    def rest_of(self, salt, end):
        count = 0
        while salt and self.read("-wal", self.offset(end + count) + 8, 8) == salt:
            count += 1
        return count

    def offset(self, frame):
        return LOG_HEADER_BYTES + frame * (self.page_bytes + FRAME_HEADER_BYTES)

    def read(self, suffix, at, count):
        try:
            with open(f"{self.database}{suffix}", "rb", buffering=0) as file:
                return os.pread(file.fileno(), count, at)
        except FileNotFoundError:
            return b""


def weigh(path):
    """Messages in a database that nobody has open, the bytes of its used pages, and those of the search index among them."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        one = lambda sql: db.execute(sql).fetchone()[0]  # noqa: E731
        pages = one("PRAGMA page_count") - one("PRAGMA freelist_count")
        indexed = one("SELECT ifnull(sum(pgsize), 0) FROM dbstat WHERE name LIKE 'message_index%'")
        return {"messages": one("SELECT count(*) FROM messages"), "bytes": pages * one("PRAGMA page_size"), "indexBytes": indexed}


def grown(template, database):
    """What the messages of a run added to the file."""
    before, after = weigh(template), weigh(database)
    return {key: after[key] - before[key] for key in after}
