"""haggle and its peers: how each is built, seeded, started and ended."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import seed
from machine import BENCH, ROOT, cores, said

SECRET = "a-secret-of-the-benchmark-alone-32-bytes"
RUN = BENCH / ".run"

# Where cargo builds. It takes a relative path from the folder that it runs in.
TARGET_DIR = os.environ.get("CARGO_TARGET_DIR", "target")
BUILT = BENCH / TARGET_DIR / "release"
LOAD = BUILT / "haggle-load"
HAGGLE = ROOT / TARGET_DIR / "release/haggle"
IS_GIVEN = False
JS = BENCH / "peers/js"
NODE = JS / "node_modules/.bin/node"
BUN = JS / "node_modules/.bin/bun"
PEER_ROOMS = "CREATE TABLE rooms (id TEXT PRIMARY KEY, buyer TEXT NOT NULL, seller TEXT NOT NULL) WITHOUT ROWID;"
PEER_TABLES = {
    # The simplest that can serve a page of history.
    "simple": """
CREATE TABLE messages (id INTEGER PRIMARY KEY, room TEXT NOT NULL, sender TEXT NOT NULL, client_id TEXT, text TEXT NOT NULL,
                       sent_at INTEGER NOT NULL);
CREATE INDEX messages_by_room ON messages (room, id);
""",
    # Numbers without a hole in each room, and what is sent twice is stored once.
    "whole": """
CREATE TABLE messages (id INTEGER PRIMARY KEY, room TEXT NOT NULL, seq INTEGER NOT NULL, sender TEXT NOT NULL, client_id TEXT,
                       text TEXT NOT NULL, sent_at INTEGER NOT NULL);
CREATE UNIQUE INDEX messages_by_room ON messages (room, seq);
CREATE UNIQUE INDEX messages_by_client ON messages (room, sender, client_id) WHERE client_id IS NOT NULL;
""",
}
LIFTED = [
    f"--max-{limit}=0"
    for limit in (
        "sends-per-second", "connects-per-second", "connections-per-address", "sessions-per-user", "rooms-per-session",
        "requests-per-second",
    )
]


@dataclass(frozen=True)
class Server:
    """One way to serve the same chat."""

    name: str
    kind: str
    wire: str = "plain"
    store: str = "none"
    sync: str = "NORMAL"
    options: tuple = field(default=())

    def command(self, port, database):
        server, _ = cores()
        env = {"PORT": str(port), "DB": str(database), "STORE": self.store, "SYNC": self.sync, "JWT_SECRET": SECRET}
        pinned = ["taskset", "-c", ",".join(map(str, server))]
        match self.kind:
            case "haggle":
                env = {"HAGGLE_JWT_SECRET": SECRET, "RUST_LOG": "haggle=warn"}
                serve = [HAGGLE, "serve", f"--bind=127.0.0.1:{port}", f"--database-url={database}", *LIFTED, *self.options]
                return pinned + serve, env
            case "socket.io":
                return [*pinned, NODE, JS / "socket_io.js"], env | {"NODE_ENV": "production"}
            case "bun":
                return [*pinned, BUN, JS / "bun.js"], env
            case "socketioxide":
                return [*pinned, BUILT / "peer-socketioxide"], env
            case "relay":
                return [*pinned, BUILT / "peer-relay"], env | {"THREADS": str(len(server))}
        raise ValueError(self.kind)

    @property
    def tables(self):
        """Which template its database is a copy of."""
        return "haggle" if self.kind == "haggle" else "whole" if self.store == "whole" else "simple"


SERVERS = [
    Server("haggle", "haggle", store="whole", sync="FULL"),
    Server("haggle, Socket.IO wire", "haggle", "socket-io", "whole", "FULL"),
    Server("Bun, FULL, grouped", "bun", store="grouped", sync="FULL"),
    Server("Bun, the whole promise", "bun", store="whole", sync="FULL"),
    Server("Socket.IO, FULL, grouped", "socket.io", "socket-io", "grouped", "FULL"),
    Server("Socket.IO, the whole promise", "socket.io", "socket-io", "whole", "FULL"),
    Server("Bun", "bun"),
    Server("Bun, a commit each", "bun", store="each"),
    Server("Bun, grouped commits", "bun", store="grouped"),
    Server("socketioxide", "socketioxide", "socket-io"),
    Server("socketioxide, a commit each", "socketioxide", "socket-io", "each"),
    Server("socketioxide, grouped commits", "socketioxide", "socket-io", "grouped"),
    Server("Socket.IO", "socket.io", "socket-io"),
    Server("Socket.IO, a commit each", "socket.io", "socket-io", "each"),
    Server("Socket.IO, grouped commits", "socket.io", "socket-io", "grouped"),
    Server("bare relay", "relay"),
]


def use_binary(path):
    """Measures this haggle, in place of the one that is built from here."""
    global HAGGLE, IS_GIVEN
    HAGGLE, IS_GIVEN = Path(path).resolve(), True


def build(kinds):
    """Builds what the kinds need; what is built already costs a second."""
    cargo = ["cargo", "build", "--release", "--locked"]
    if "haggle" in kinds and not IS_GIVEN:
        subprocess.run([*cargo, "--bin", "haggle"], cwd=ROOT, check=True)
    packages = ["haggle-load"] + [f"peer-{kind}" for kind in ("relay", "socketioxide") if kind in kinds]
    subprocess.run(cargo + [word for package in packages for word in ("-p", package)], cwd=BENCH, check=True)
    if {"socket.io", "bun"} & set(kinds) and not (BUN.exists() and NODE.exists()):
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=JS, check=True)


def versions():
    """What was measured, by kind."""
    lock = (BENCH / "Cargo.lock").read_text(encoding="utf-8")
    socketioxide = lock.split('name = "socketioxide"\nversion = "', 1)[-1].split('"', 1)[0]
    packages = json.loads((JS / "package.json").read_text(encoding="utf-8"))["dependencies"]
    dirty = "" if not said("git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no") else "+"
    commit = said("git", "-C", ROOT, "rev-parse", "--short", "HEAD")
    return {
        "haggle": said(HAGGLE, "--version").replace("haggle ", "") + (f" ({commit}{dirty})" if commit and not IS_GIVEN else ""),
        "rustc": said("rustc", "--version").split(" ")[1],
        "bun": packages["bun"],
        "socket.io": packages["socket.io"],
        "node": packages["node"],
        "socketioxide": socketioxide,
    }


class Seed:
    """A database for each kind of server with the same rooms in it, made once and copied for each run."""

    def __init__(self, rooms, messages=0, sellers=0, users=0):
        self.name = f"r{rooms}-m{messages}-s{sellers}-u{users}"
        self.rooms, self.shape = rooms, (rooms, messages, sellers, users)
        RUN.mkdir(exist_ok=True)
        self.tsv = RUN / f"{self.name}.tsv"
        if not self.tsv.exists():
            seed.write_rooms(self.tsv, rooms, sellers, users)

    def of(self, tables):
        """The template's path."""
        path = RUN / f"{self.name}.{tables}.db"
        if not path.exists():
            making = path.with_suffix(".making")
            for old in RUN.glob(making.name + "*"):
                old.unlink()
            if tables == "haggle":
                self.import_into(making)
            else:
                with sqlite3.connect(making) as db:
                    db.executescript(PEER_ROOMS + PEER_TABLES[tables])
                    lines = (line.split("\t") for line in self.tsv.read_text(encoding="utf-8").splitlines())
                    db.executemany("INSERT INTO rooms VALUES (?, ?, ?)", lines)
            making.rename(path)
        return path

    def import_into(self, path):
        lines = RUN / f"{self.name}.ndjson"
        seed.write_lines(lines, *self.shape)
        command = [HAGGLE, "import", "--database-url", path, lines]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        lines.unlink()
        # One file, whatever the write-ahead log still held.
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for beside in RUN.glob(path.name + "?*"):
            if beside.is_dir():
                shutil.rmtree(beside)
            else:
                beside.unlink()

    def pick(self, wanted):
        """A file of some of its rooms, spread evenly over all."""
        if wanted >= self.rooms:
            return self.tsv
        path = RUN / f"{self.name}.{wanted}.tsv"
        if not path.exists():
            lines = self.tsv.read_text(encoding="utf-8").splitlines(keepends=True)
            path.write_text("".join(lines[place * self.rooms // wanted] for place in range(wanted)), encoding="utf-8")
        return path


class Running:
    """A server on a database of its own, until the end of the `with`."""

    def __init__(self, server, template, port=None):
        self.server, self.port = server, port or free_port()
        self.database = RUN / "running.db"
        self.clear()
        shutil.copyfile(template, self.database)
        self.process = None

    def clear(self):
        for old in RUN.glob("running.db*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        shutil.rmtree(RUN / "running.db-images", ignore_errors=True)

    def start(self):
        command, env = self.server.command(self.port, self.database)
        with open(RUN / "server.log", "wb") as log:
            self.process = subprocess.Popen(command, env=os.environ | env, stdout=log, stderr=log, cwd=RUN)
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log = (RUN / "server.log").read_text(encoding="utf-8", errors="replace")
                    raise SystemExit(f"{self.server.name} did not start: {log[-2000:]}") from None
                time.sleep(0.02)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Lets it end by itself, so that its file is whole."""
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()
        self.clear()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def load_command(running, rooms, words, warm_up, measure):
    """The load generator against a running server, on the load's cores."""
    _, load = cores()
    return [
        "taskset", "-c", ",".join(map(str, load)), LOAD,
        "--target", f"127.0.0.1:{running.port}", "--wire", running.server.wire, "--rooms", rooms, "--secret", SECRET,
        "--server-pid", str(running.process.pid), "--threads", str(len(load)),
        "--warm-up", str(warm_up), "--measure", str(measure), *map(str, words),
    ]  # fmt: skip
