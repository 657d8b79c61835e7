"""The OpenAPI document against the server that it describes: tests/openapi/run.sh

Starts the demo on a database of its own, gives every resource something to be found, and lets schemathesis call every
operation with data that fits the document and with data that doesn't. It fails on a fault of the server's, and on
anything that the document does not say.
"""

import argparse
import json
import os
import queue
import re
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.request
import zlib

SERVICE_KEY = "service-key-of-the-tests"
DEADLINE_S = 15
# How the names of operations begin that answer GET, and HEAD.
READS = ("get", "list", "search", "export")
HERE = os.path.dirname(os.path.abspath(__file__))
# Nothing is wrong with a request that comes too fast here.
OPTIONS = ["--max-requests-per-second", "0", "--max-sends-per-second", "0", "--max-connects-per-second", "0", "--max-connections-per-address", "0"]


class Haggle:
    """`haggle demo`, on a free port and a database of its own."""

    def __init__(self, folder):
        database = os.path.join(folder, "haggle.db")
        command = [os.environ["HAGGLE_BIN"], "demo", "--bind", "127.0.0.1:0", "--database-url", database]
        command += ["--service-key", SERVICE_KEY, *OPTIONS]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.log = []
        address_found = queue.Queue()

        def read(stream):
            with stream:
                for line in stream:
                    self.log.append(line)
                    if match := re.search(r"listening on (http://[\d.:]+)", line):
                        address_found.put(match[1])
            address_found.put(None)

        threading.Thread(target=read, args=[self.process.stderr], daemon=True).start()
        self.url = address_found.get(timeout=DEADLINE_S)
        assert self.url, "".join(self.log)

    def ask(self, method, path, body=None, token=None, content_type="application/json"):
        headers = {"content-type": content_type} if body is not None else {}
        if token:
            headers["authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v1{path}", method=method, headers=headers, data=body)
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
            answer = response.read()
            return json.loads(answer) if answer else None

    def stop(self):
        """Ends it, and says whether it ended well."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)


def picture():
    """A PNG of one pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\xff\xff")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def seed(haggle):
    """Something to be found under every kind of id: the dictionaries that schemathesis takes ids from."""
    token = {name: haggle.ask("POST", "/demo/sign-in", {"userId": name})["token"] for name in ("junho", "mina", "amara")}

    def say(who, room, text):
        return haggle.ask("POST", f"/rooms/{room}/messages", {"text": text}, token[who])["id"]

    # junho, who signs in, sells the camera and buys the bike.
    sells = "room-mina-camera"
    buys = haggle.ask("POST", "/rooms", {"productId": "touring-bike"}, token["junho"])["id"]
    own = [say("junho", room, f"word {n} of the seller's") for room in (sells, buys) for n in range(4)]
    others = [say("mina", sells, f"word {n} of the buyer's") for n in range(4)]
    offer = haggle.ask("POST", f"/rooms/{sells}/offers", {"amount": 900_000, "currency": "KRW"}, token["mina"])["id"]
    form = (
        b'--x\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n'
        + picture()
        + b"\r\n--x--\r\n"
    )
    image = haggle.ask("POST", f"/rooms/{sells}/images", form, token["mina"], "multipart/form-data; boundary=x")
    address = image["data"]["url"]
    found = re.fullmatch(r"/api/v1/images/([^?]+)\?expires=(\d+)&signature=(.+)", address)
    reports = [
        haggle.ask("POST", "/reports", {"roomId": sells, "messageId": other, "category": "spam"}, token["junho"])["id"]
        for other in others
    ]
    for n in range(8):
        haggle.ask("PUT", f"/users/person-{n}", {"name": f"Person {n}"}, SERVICE_KEY)
        # Whom one shares no room with one can't block.
        haggle.ask("POST", "/rooms", {"productId": "camera-x100", "buyerId": f"person-{n}"}, SERVICE_KEY)
    return token["junho"], {
        "rooms": [sells, buys, "room-jonas-bike"],
        "sold_in": [sells],
        "messages": [*own, *others, offer],
        "offers": [offer],
        "products": ["camera-x100", "touring-bike", "turntable", "lounge-chair", "celadon-tea-set"],
        "sellers": ["junho", "priya", "sofia"],
        "buyers": ["junho"],
        "people": [f"person-{n}" for n in range(8)],
        "users": ["junho", "mina", "priya", "amara", "person-0"],
        "reports": reports,
        "words": ["word", "X100", "bike"],
        "image_keys": [found[1]],
        "image_times": [int(found[2])],
        "image_signatures": [found[3]],
        "docs_files": ["index.html", "swagger-ui.css", "swagger-initializer.js"],
        "currencies": ["KRW", "USD"],
        "emoji": ["👍", "❤️", "🇰🇷"],
    }


def configuration(user_token, dictionaries):
    """The configuration of schemathesis, as TOML."""
    lines = [
        "[auth.openapi.userToken]",
        f"bearer = {json.dumps(user_token)}",
        "[auth.openapi.serviceKey]",
        f"bearer = {json.dumps(SERVICE_KEY)}",
    ]
    for name, values in dictionaries.items():
        lines += [f"[dictionaries.{name}]", f"values = {json.dumps(values, ensure_ascii=False)}"]

    def bind(operation, **parameters):
        operations = [operation, f"{operation}Head"] if operation.startswith(READS) else [operation]
        lines.extend(["[[operations]]", f"include-operation-id = {json.dumps(operations)}", "[operations.parameters]"])
        for name, (dictionary, probability) in parameters.items():
            name = name.replace("__", ".")
            lines.append(f'"{name}" = {{ dictionary = "{dictionary}", probability = {probability} }}')

    for operation in ("getRoom", "issueRoomToken", "markRead", "listMessages", "sendMessage", "sendImage"):
        bind(operation, path__id=("rooms", 0.9))
    bind("makeOffer", path__id=("sold_in", 0.9), body__roomId=("sold_in", 0.9), body__currency=("currencies", 0.9))
    for operation in ("editMessage", "deleteMessage", "takeBackReaction"):
        bind(operation, path__id=("rooms", 0.9), path__messageId=("messages", 0.9))
    bind("react", path__id=("rooms", 0.9), path__messageId=("messages", 0.9), body__emoji=("emoji", 0.7))
    bind("answerOffer", path__id=("sold_in", 0.9), path__messageId=("offers", 0.9))
    bind("openRoom", body__productId=("products", 0.9), body__buyerId=("buyers", 0.9))
    bind("report", body__roomId=("rooms", 0.9), body__messageId=("messages", 0.7))
    bind("updateReport", path__id=("reports", 0.9))
    bind("searchMessages", query__q=("words", 0.5))
    bind("getImage", path__key=("image_keys", 0.9), query__expires=("image_times", 0.9), query__signature=("image_signatures", 0.9))
    bind("putProduct", path__id=("products", 0.5), body__sellerId=("sellers", 0.9))
    bind("setProductStatus", path__id=("products", 0.9))
    bind("putUser", path__id=("people", 0.5), body__id=("people", 0.5))
    bind("deleteUser", path__id=("people", 0.2))
    bind("exportUser", path__id=("users", 0.9))
    bind("disconnectUser", path__id=("users", 0.9))
    bind("block", path__userId=("people", 0.9))
    bind("unblock", path__userId=("people", 0.9))
    bind("getDocsFile", path__file=("docs_files", 0.9))
    bind("signInToDemo", body__userId=("users", 0.9))
    return "\n".join(lines) + "\n"


def run(command, folder, environment):
    """Runs it, shows what it says, and says whether all is well: also when one of its threads died of a fault in a hook."""
    died = False
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            died = died or line.startswith(("Exception in thread", "Traceback"))
    return process.returncode or int(died)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--max-examples", type=int, default=25, help="of the data that is made, for each operation")
    arguments.add_argument("--phases", default="examples,coverage,fuzzing")
    arguments.add_argument("rest", nargs="*", help="behind --: options of `schemathesis run`")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="haggle-openapi-") as folder:
        haggle = Haggle(folder)
        try:
            config = os.path.join(folder, "schemathesis.toml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(configuration(*seed(haggle)))
            command = [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "--config-file", config, "run"]
            command += [f"{haggle.url}/api/v1/openapi.json", "--seed", str(options.seed), "--phases", options.phases]
            command += ["--max-examples", str(options.max_examples)]
            command += ["--checks", "all", *options.rest]
            environment = {**os.environ, "SCHEMATHESIS_HOOKS": os.path.join(HERE, "hooks.py")}
            status = run(command, folder, environment)
        finally:
            ended = haggle.stop()
        bad = [line for line in haggle.log if " ERROR " in line or "panicked" in line]
        assert not bad and ended == 0, "".join(bad or haggle.log[-5:])
        return status


if __name__ == "__main__":
    sys.exit(main())
