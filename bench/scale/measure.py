#!/usr/bin/env python3
"""Measures what simulate.py counts with: nats-server and PostgreSQL, on this machine.

    bench/scale/measure.py nats
    bench/scale/measure.py postgres

Needs Debian's nats-server and postgresql. Each starts servers of its own on free ports and temporary folders, does a fixed amount of
work, and prints one JSON object. What counts is the servers' own CPU time and memory, which neighbours on the machine move
little; seconds on the clock are there to compare.
"""

import argparse
import contextlib
import glob
import hashlib
import json
import os
import pathlib
import pwd
import random
import socket
import subprocess
import tempfile
import threading
import time

TICK_S = 1 / os.sysconf("SC_CLK_TCK")

#: As src/broker/subject.rs writes them.
INSTALLATION = hashlib.sha256(b"bench").hexdigest()[:32]

#: A message of 60 characters as one node publishes it to another, about 400 bytes.
PAYLOAD_BYTES = 400


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def cpu_s(pid):
    """CPU seconds of a process and its children that are alive."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def rss_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


# NATS


class Nats:
    """A client that does not stand in the way: whole megabytes to and from the socket."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.file = self.socket.makefile("rb", buffering=1 << 20)
        self.file.readline()
        self.socket.sendall(b'CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"name":"bench"}\r\n')
        self.flush()

    def flush(self):
        self.socket.sendall(b"PING\r\n")
        while self.file.readline() != b"PONG\r\n":
            pass

    def subscribe(self, subjects):
        lines = [b"SUB %s %d\r\n" % (subject, sid) for sid, subject in enumerate(subjects, 1)]
        self.socket.sendall(b"".join(lines))
        self.flush()

    def unsubscribe(self, count):
        self.socket.sendall(b"".join(b"UNSUB %d\r\n" % sid for sid in range(1, count + 1)))
        self.flush()

    def publish(self, subjects, payload):
        for start in range(0, len(subjects), 5000):
            part = subjects[start : start + 5000]
            self.socket.sendall(b"".join(b"PUB %s %d\r\n%s\r\n" % (s, len(payload), payload) for s in part))
        self.flush()

    def count(self, messages, payload_bytes):
        """Reads so many messages of one size."""
        buffer = memoryview(bytearray(1 << 20))
        end = b"\r\n" + b"x" * payload_bytes
        seen, tail = 0, b""
        while seen < messages:
            got = self.socket.recv_into(buffer)
            if got == 0:
                raise ConnectionError("the server ended the connection")
            data = tail + bytes(buffer[:got])
            seen += data.count(end)
            tail = data[-len(end) + 1 :]


def room(number):
    return b"haggle.%s.room.%s" % (INSTALLATION.encode(), hashlib.sha256(b"%d" % number).hexdigest()[:32].encode())


@contextlib.contextmanager
def nats_servers(count):
    """So many servers in one cluster, each a route to each, and their clients' ports."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        ports, routes = [free_port() for _ in range(count)], [free_port() for _ in range(count)]
        servers = []
        for number in range(count):
            command = ["nats-server", "-a", "127.0.0.1", "-p", str(ports[number]), "-n", f"n{number}"]
            if count > 1:
                others = ",".join(f"nats://127.0.0.1:{port}" for port in routes if port != routes[number])
                command += ["--cluster_name", "bench", "--cluster", f"nats://127.0.0.1:{routes[number]}", "--routes", others]
            log = stack.enter_context(open(f"{folder}/n{number}.log", "w"))
            server = subprocess.Popen(command, stdout=log, stderr=log)
            stack.callback(server.wait)
            stack.callback(server.terminate)
            servers.append(server.pid)
        deadline = time.monotonic() + 20
        for number, port in enumerate(ports):
            while True:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                assert time.monotonic() < deadline, "nats-server does not start"
                time.sleep(0.05)
            # A route is up when its log says so on both sides.
            while pathlib.Path(f"{folder}/n{number}.log").read_text().count("Route connection created") < count - 1:
                assert time.monotonic() < deadline, "no route between the servers"
                time.sleep(0.05)
        yield servers, ports


def arrives(client, at, subject):
    """Waits until what is published at one server on a subject reaches a client of another: interest has spread."""
    done = threading.Event()

    def ask():
        while not done.is_set():
            at.publish([subject], b"x")
            done.wait(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    line = client.file.readline()
    assert line.startswith(b"MSG "), line
    client.file.readline()
    done.set()
    asking.join()


def measure_nats(subscriptions, messages):
    payload = b"x" * PAYLOAD_BYTES
    result = {"server": subprocess.run(["nats-server", "-v"], capture_output=True, text=True, check=True).stdout.strip()}
    dice = random.Random(1)
    for count in (1, 3):
        with nats_servers(count) as (pids, ports):
            subjects = [room(number) for number in range(subscriptions)]
            reader, writer = Nats(ports[0]), Nats(ports[-1])
            before = [(rss_kib(pid), cpu_s(pid)) for pid in pids]
            started = time.monotonic()
            reader.subscribe(subjects)
            if count > 1:
                probe = Nats(ports[0])
                probe.subscribe([room(-1)])
                arrives(probe, writer, room(-1))
            took = time.monotonic() - started
            after = [(rss_kib(pid), cpu_s(pid)) for pid in pids]
            grown = [(now[0] - then[0], now[1] - then[1]) for now, then in zip(after, before)]
            row = {
                "subscribe": {
                    "seconds": round(took, 2),
                    "bytes_each": [round(kib * 1024 / subscriptions) for kib, _ in grown],
                    "cpu_us_each": [round(cpu * 1e6 / subscriptions, 2) for _, cpu in grown],
                }
            }
            targets = [dice.choice(subjects) for _ in range(messages)]
            before = [cpu_s(pid) for pid in pids]
            started = time.monotonic()
            counting = threading.Thread(target=reader.count, args=(messages, PAYLOAD_BYTES))
            counting.start()
            writer.publish(targets, payload)
            counting.join()
            took = time.monotonic() - started
            cpu = [cpu_s(pid) - then for pid, then in zip(pids, before)]
            row["publish"] = {
                "seconds": round(took, 2),
                "messages_per_second": round(messages / took),
                "cpu_us_each": [round(one * 1e6 / messages, 2) for one in cpu],
            }
            nobody = [room(subscriptions + number) for number in range(messages)]
            before = [cpu_s(pid) for pid in pids]
            writer.publish(nobody, payload)
            cpu = [cpu_s(pid) - then for pid, then in zip(pids, before)]
            row["publish_to_nobody"] = {"cpu_us_each": [round(one * 1e6 / messages, 2) for one in cpu]}
            result[f"{count} server" + ("s" if count > 1 else "")] = row
    return result


# PostgreSQL

MIGRATIONS = pathlib.Path(__file__).parents[2] / "migrations" / "postgres"

#: One batch of haggle's: rooms locked and counted up, messages written, one commit. Rooms are drawn as they come.
BATCH = """
\\set first random(0, :rooms - 1)
BEGIN;
SELECT pg_advisory_xact_lock(1);
WITH picked AS (
    SELECT 'room-' || lpad(((:first + n * 7919) % :rooms)::text, 8, '0') AS id FROM generate_series(1, :batch) AS n
), counted AS (
    UPDATE rooms SET last_seq = last_seq + 1, active_at = active_at + 1 FROM picked WHERE rooms.id = picked.id
    RETURNING rooms.id, rooms.last_seq, rooms.buyer_id
)
INSERT INTO messages (id, room_id, seq, sender_id, client_id, kind, text, sent_at)
    SELECT gen_random_uuid()::text, id, last_seq, buyer_id, gen_random_uuid()::text, 'text',
           'Is it still there, and would you take a little less for it?', 1795424400000 FROM counted;
COMMIT;
"""

HISTORY = """
\\set room random(0, :rooms - 1)
SELECT * FROM messages WHERE room_id = 'room-' || lpad((:room)::text, 8, '0') ORDER BY seq DESC LIMIT 50;
"""

ROOM = """
\\set room random(0, :rooms - 1)
SELECT * FROM rooms JOIN products ON products.id = product_id WHERE rooms.id = 'room-' || lpad((:room)::text, 8, '0');
"""

ROOM_LIST = """
\\set user random(0, :rooms / 20 - 1)
SELECT rooms.*, products.*, users.name, users.avatar_url, last.*, (
    SELECT count(*) FROM messages AS unread
    WHERE unread.room_id = rooms.id AND unread.seq > rooms.buyer_read_seq AND unread.sender_id = rooms.seller_id
)
FROM rooms JOIN products ON products.id = product_id JOIN users ON users.id = rooms.seller_id
    LEFT JOIN messages AS last ON last.room_id = rooms.id AND last.seq = rooms.last_seq
WHERE rooms.buyer_id = 'u' || (:user)::text ORDER BY active_at DESC, rooms.id DESC LIMIT 20;
"""

SEED = """
INSERT INTO users (id, name) SELECT 's' || n, 'Seller ' || n FROM generate_series(0, {rooms}) AS n;
INSERT INTO users (id, name) SELECT 'u' || n, 'Buyer ' || n FROM generate_series(0, {rooms} / 20) AS n;
INSERT INTO products (id, seller_id, title, status) SELECT 'p' || n, 's' || n, 'Product', 'on_sale' FROM generate_series(0, {rooms}) AS n;
INSERT INTO rooms (id, product_id, buyer_id, seller_id, created_at, active_at)
    SELECT 'room-' || lpad(n::text, 8, '0'), 'p' || n, 'u' || n % ({rooms} / 20), 's' || n, 0, 0 FROM generate_series(0, {rooms} - 1) AS n;
"""


@contextlib.contextmanager
def postgres():
    """A server with Debian's defaults, and how to run its programs."""
    binaries = pathlib.Path(sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1])
    as_user = {}
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            as_user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        port = free_port()

        def run(name, *arguments, **options):
            command = [str(binaries / name), *map(str, arguments)]
            done = subprocess.run(command, capture_output=True, text=True, cwd=folder, **as_user, **options, check=False)
            assert done.returncode == 0, f"{name}: {done.stdout} {done.stderr}"
            return done.stdout

        run("initdb", "-D", f"{folder}/data", "-U", "haggle", "-A", "trust", "--no-locale", "-E", "UTF8")
        settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c shared_buffers=512MB -c max_wal_size=4GB"
        run("pg_ctl", "-D", f"{folder}/data", "-o", settings, "-l", f"{folder}/log", "-w", "start")
        try:
            pid = int(pathlib.Path(f"{folder}/data/postmaster.pid").read_text().splitlines()[0])
            address = ["-h", folder, "-p", port, "-U", "haggle"]
            yield pid, lambda name, *arguments, **options: run(name, *address, *arguments, **options)
        finally:
            run("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")


def family_cpu_s(pid):
    """CPU seconds of a server and of all that it has started, also of those that have ended."""
    total = 0.0
    for entry in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = pathlib.Path(entry).read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == pid:
                total += (int(fields[11]) + int(fields[12])) * TICK_S
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return total + sum(int(fields[place]) for place in (11, 12, 13, 14)) * TICK_S


def measure_postgres(rooms, seconds, migrations):
    result = {}
    with postgres() as (pid, run):
        result["server"] = run("psql", "-At", "-d", "postgres", "-c", "SHOW server_version").strip()
        run("createdb", "bench")
        for migration in sorted(migrations.glob("*/up.sql")):
            run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", "bench", input=migration.read_text())
        run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", "bench", input=SEED.format(rooms=rooms))
        run("psql", "-q", "-d", "bench", "-c", "VACUUM ANALYZE")

        def bench(script, clients, **variables):
            defines = [word for name, value in {"rooms": rooms, **variables}.items() for word in ("-D", f"{name}={value}")]
            before, started = family_cpu_s(pid), time.monotonic()
            options = ["-n", "-M", "prepared", "-c", clients, "-j", 1, "-T", seconds, "-f", "-", *defines, "bench"]
            told = run("pgbench", *options, input=script)
            took, cpu = time.monotonic() - started, family_cpu_s(pid) - before
            done = int(next(line for line in told.splitlines() if "actually processed" in line).split(":")[1].split("/")[0])
            return done, took, cpu

        rows = "SELECT count(*) FROM messages"
        size = "SELECT pg_total_relation_size('messages')"
        for clients, batch in ((1, 1), (1, 64), (1, 512), (4, 512)):
            before = int(run("psql", "-At", "-d", "bench", "-c", rows))
            done, took, cpu = bench(BATCH, clients, batch=batch)
            written = int(run("psql", "-At", "-d", "bench", "-c", rows)) - before
            result[f"{clients} node{'s' if clients > 1 else ''}, {batch} a commit"] = {
                "rows_per_second": round(written / took),
                "commits_per_second": round(done / took),
                "cpu_us_a_row": round(cpu * 1e6 / written, 1),
            }
        stored = int(run("psql", "-At", "-d", "bench", "-c", rows))
        result["bytes_a_message"] = round(int(run("psql", "-At", "-d", "bench", "-c", size)) / stored)
        result["messages"] = stored
        run("psql", "-q", "-d", "bench", "-c", "VACUUM ANALYZE")
        for name, script in (("history of 50", HISTORY), ("room", ROOM), ("20 of one's rooms", ROOM_LIST)):
            done, took, cpu = bench(script, 2)
            result[name] = {"a_second": round(done / took), "cpu_us_each": round(cpu * 1e6 / done, 1)}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["nats", "postgres"])
    parser.add_argument("--subscriptions", type=int, default=200_000)
    parser.add_argument("--messages", type=int, default=300_000)
    parser.add_argument("--rooms", type=int, default=100_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--migrations", type=pathlib.Path, default=MIGRATIONS)
    options = parser.parse_args()
    if options.what == "nats":
        print(json.dumps(measure_nats(options.subscriptions, options.messages), indent=2))
    else:
        print(json.dumps(measure_postgres(options.rooms, options.seconds, options.migrations), indent=2))


if __name__ == "__main__":
    main()
