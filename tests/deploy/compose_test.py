"""What compose.yaml starts, started without Docker: PostgreSQL, NATS, the migrations and both nodes, with their settings as they stand
there. Only names, ports and paths are others. nginx is left to tests/socket_io/nginx.test.js."""

import base64
import contextlib
import glob
import hashlib
import hmac
import json
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from files import compose, image_environment

#: A haggle with the feature `postgres`, as the image has it.
HAGGLE = os.environ.get("HAGGLE_POSTGRES_BIN")

START_TIMEOUT_S = 30
SERVICE_KEY = "service-key-of-the-tests"
JWT_SECRET = "only-for-the-tests-of-this-folder-0123456789"


def postgres_folder():
    found = shutil.which("initdb") or max(glob.glob("/usr/lib/postgresql/*/bin/initdb"), default=None)
    return found and pathlib.Path(found).resolve().parent


def missing():
    nats = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
    needed = {"HAGGLE_POSTGRES_BIN": HAGGLE, "postgresql": postgres_folder(), "nats-server": nats}
    return " and ".join(name for name, found in needed.items() if not found)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def until(is_so, what):
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (found := is_so()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {START_TIMEOUT_S} s: {what()}")
        time.sleep(0.05)
    return found


def token(user):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")

    signed = b".".join(part(json.dumps(value).encode()) for value in ({"alg": "HS256"}, {"sub": user, "exp": int(time.time()) + 3600}))
    return (signed + b"." + part(hmac.new(JWT_SECRET.encode(), signed, hashlib.sha256).digest())).decode()


def call(port, method, path, bearer=None, body=None):
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


@unittest.skipIf(missing(), f"there is no {missing()}")
class Compose(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        # PostgreSQL's user has to get through.
        self.folder.chmod(0o755)
        self.start_postgres()
        self.nats_port = free_port()
        nats = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
        self.start("nats", [nats, "-a", "127.0.0.1", "-p", str(self.nats_port)], {})
        for name, secret in {
            "database-url": f"postgres://haggle:unasked@127.0.0.1:{self.postgres_port}/haggle",
            "jwt-secret": JWT_SECRET,
            "service-key": SERVICE_KEY,
        }.items():
            (self.folder / name).write_text(secret + "\n", encoding="utf-8")

    def start_postgres(self):
        binaries, self.postgres_port = postgres_folder(), free_port()
        data = self.folder / "postgres"
        data.mkdir()
        owner = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(data, user.pw_uid, user.pw_gid)
            owner = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": data}

        def run(name, *arguments):
            done = subprocess.run([binaries / name, *arguments], capture_output=True, text=True, check=False, **owner)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

        run("initdb", "-D", data / "data", "-U", "haggle", "-A", "trust", "--locale=C.UTF-8", "-E", "UTF8")
        settings = f"-p {self.postgres_port} -k {data} -c listen_addresses=127.0.0.1"
        run("pg_ctl", "-D", data / "data", "-o", settings, "-l", data / "log", "-w", "start")
        self.addCleanup(run, "pg_ctl", "-D", data / "data", "-m", "immediate", "stop")
        run("createdb", "-h", "127.0.0.1", "-p", str(self.postgres_port), "-U", "haggle", "haggle")

    def start(self, name, command, environment):
        log = self.folder / f"{name}.log"
        with log.open("w") as output:
            process = subprocess.Popen(command, env=environment, cwd=self.folder, stdout=output, stderr=output)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, log

    def settings(self, service, port):
        """A service's environment over its image's, with what is elsewhere here."""
        environment = image_environment() | compose()["services"][service].get("environment", {})
        replaced = {
            "0.0.0.0:5000": f"127.0.0.1:{port}",
            "/run/secrets/": f"{self.folder}/",
            "/var/lib/haggle/": f"{self.folder}/",
            "nats://nats:4222": f"nats://127.0.0.1:{self.nats_port}",
        }
        for name, value in environment.items():
            for there, here in replaced.items():
                value = value.replace(there, here)
            environment[name] = value
        return environment

    def test_both_nodes_are_one_chat(self):
        migrate = subprocess.run(
            [HAGGLE, *compose()["services"]["migrate"]["command"]],
            env=self.settings("migrate", 0), cwd=self.folder, capture_output=True, text=True, check=False,
        )
        self.assertEqual((migrate.returncode, migrate.stdout[:4]), (0, "ran "), migrate.stderr)
        nodes = {}
        for service in ("haggle-a", "haggle-b"):
            port = free_port()
            process, log = self.start(service, [HAGGLE, "serve"], self.settings(service, port))
            nodes[service] = (port, process, log)
        for port, process, log in nodes.values():
            def is_ready(port=port, process=process, log=log):
                self.assertIsNone(process.poll(), log.read_text(encoding="utf-8"))
                with contextlib.suppress(urllib.error.URLError, ConnectionError):
                    return call(port, "GET", "/readyz")
                return None

            self.assertEqual(until(is_ready, lambda log=log: log.read_text(encoding="utf-8"))["database"], "ok")

        a, b = nodes["haggle-a"][0], nodes["haggle-b"][0]
        for user in ("sam", "alice"):
            call(a, "PUT", f"/api/v1/users/{user}", SERVICE_KEY, {"name": user})
        call(b, "PUT", "/api/v1/products/bike", SERVICE_KEY, {"sellerId": "sam", "title": "A red bike"})
        room = call(a, "POST", "/api/v1/rooms", token("alice"), {"productId": "bike"})["id"]
        for port, user, text in ((a, "alice", "Is it there?"), (b, "sam", "It is."), (a, "alice", "I take it.")):
            call(port, "POST", f"/api/v1/rooms/{room}/messages", token(user), {"text": text})
        for port in (a, b):
            items = call(port, "GET", f"/api/v1/rooms/{room}/messages", token("sam"))["items"]
            self.assertEqual({message["seq"]: message["text"] for message in items}, {1: "Is it there?", 2: "It is.", 3: "I take it."})

        for service, (port, process, log) in nodes.items():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/socket.io/?EIO=4&transport=polling", timeout=10) as answer:
                sid = json.loads(answer.read()[1:])["sid"]
            name = compose()["services"][service]["environment"]["HAGGLE_NODE_NAME"]
            self.assertTrue(sid.startswith(f"{name}."), sid)
            process.terminate()
            self.assertEqual(process.wait(START_TIMEOUT_S), 0, log.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
