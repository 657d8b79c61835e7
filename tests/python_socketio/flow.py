"""The flow of the notes with python-socketio's client, against the real server: tests/python_socketio/run.sh

It counts strictly what the official client forgives: an event in front of the CONNECT answer, for one.
"""

import base64
import hashlib
import hmac
import json
import os
import queue
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request

import socketio

JWT_SECRET = "only-for-the-tests-of-this-folder-0123456789"
SERVICE_KEY = "service-key-of-the-tests"
DEADLINE_S = 15
TRANSPORTS = {"default transports": None, "websocket only": ["websocket"], "polling only": ["polling"]}


def sign(claims):
    """A JWT, HS256, as the marketplace's backend would sign it."""

    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    now = int(time.time())
    header = encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = encode(json.dumps({"iat": now - 60, "exp": now + 3600, **claims}).encode())
    signature = hmac.new(JWT_SECRET.encode(), header + b"." + body, hashlib.sha256).digest()
    return b".".join([header, body, encode(signature)]).decode()


class Haggle:
    """`haggle serve`, on a free port and a database of its own."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="haggle-python-")
        self.made = 0
        self.log = ""
        self.spawn("127.0.0.1:0")

    def spawn(self, address):
        database = os.path.join(self.folder.name, "haggle.db")
        command = [os.environ["HAGGLE_BIN"], "serve", "--bind", address, "--database-url", database]
        command += ["--jwt-secret", JWT_SECRET, "--service-key", SERVICE_KEY]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        address_found = queue.Queue()

        def read(stream):
            with stream:
                for line in stream:
                    self.log += line
                    if match := re.search(r"listening on (http://[\d.:]+)", line):
                        address_found.put(match[1])
            address_found.put(None)

        threading.Thread(target=read, args=[self.process.stderr], daemon=True).start()
        self.url = address_found.get(timeout=DEADLINE_S)
        assert self.url, self.log

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def restart(self):
        self.spawn(self.url.removeprefix("http://"))

    def stop(self):
        assert self.process.poll() is None, f"the server ended by itself:\n{self.log}"
        self.kill()
        self.folder.cleanup()
        assert "panicked" not in self.log, self.log

    def service(self, method, path, body):
        headers = {"authorization": f"Bearer {SERVICE_KEY}", "content-type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/v1{path}", json.dumps(body).encode(), headers, method=method)
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
            return json.load(response)

    def room(self):
        """A product, its seller, a buyer, and the room of the two: its id, and the two ids."""
        self.made += 1
        buyer, seller, product = (f"{kind}-{self.made}" for kind in ("buyer", "seller", "product"))
        self.service("PUT", f"/users/{buyer}", {"name": "Buyer"})
        self.service("PUT", f"/users/{seller}", {"name": "Seller"})
        self.service("PUT", f"/products/{product}", {"sellerId": seller, "title": "Product"})
        room = self.service("POST", "/rooms", {"productId": product, "buyerId": buyer})
        return room["id"], buyer, seller


class Client:
    """A connection of python-socketio, with everything that it hears."""

    def __init__(self, haggle, transports, auth, namespaces=("/chat",), connect=True):
        self.heard = []
        self.changed = threading.Condition()
        self.socket = socketio.Client(reconnection_delay=0.05, reconnection_delay_max=0.2)
        for namespace in namespaces:
            self.socket.on("*", self.listener(), namespace=namespace)
            for own in ("connect", "connect_error", "disconnect"):
                self.socket.on(own, self.listener(own), namespace=namespace)
        self.arguments = {"transports": transports, "auth": auth, "namespaces": list(namespaces), "wait_timeout": DEADLINE_S}
        if connect:
            self.socket.connect(haggle.url, **self.arguments)

    def listener(self, own=None):
        def listen(*args):
            event, data = (own, args[0] if args else None) if own else (args[0], args[1] if len(args) > 1 else None)
            with self.changed:
                self.heard.append((event, data))
                self.changed.notify_all()

        return listen

    def hears(self, event, fits=lambda data: True):
        """The data of the first such event, past or future."""

        def find():
            return next(((data,) for name, data in self.heard if name == event and fits(data)), None)

        with self.changed:
            assert self.changed.wait_for(find, DEADLINE_S), f"no {event}; there was {self.heard}"
            return find()[0]

    def all(self, event):
        with self.changed:
            return [data for name, data in self.heard if name == event]

    def ask(self, event, data, namespace="/chat"):
        return self.socket.call(event, data, namespace=namespace, timeout=DEADLINE_S)

    def ask_well(self, event, data):
        answer = self.ask(event, data)
        assert answer.get("ok") is True, f"{event}: {answer}"
        return answer["data"]


class Flow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.haggle = Haggle()
        cls.addClassCleanup(cls.haggle.stop)

    def client(self, transports, user=None, **options):
        auth = options.pop("auth", {"token": sign({"sub": user})})
        client = Client(self.haggle, transports, auth, **options)
        # Not `socket.disconnect()`: when its close packet loses a race to its own write loop, it waits for the next ping.
        self.addCleanup(client.socket.eio.disconnect, abort=True)
        return client

    def each_transport(self, check):
        for name, transports in TRANSPORTS.items():
            with self.subTest(name):
                check(transports)

    def test_the_flow_of_the_notes(self):
        def check(transports):
            room, buyer_id, seller_id = self.haggle.room()
            seller = self.client(transports, seller_id)
            seller.ask_well("enterRoom", room)
            buyer = self.client(transports, buyer_id)
            buyer.socket.emit("enterRoom", room, namespace="/chat")
            buyer.socket.emit("message", "Is it still for sale?", namespace="/chat")
            message = buyer.hears("message")
            self.assertEqual(message["text"], "Is it still for sale?")
            self.assertEqual([message["seq"], message["senderId"], message["roomId"]], [1, buyer_id, room])
            self.assertEqual(seller.hears("message"), message)
            seller.socket.emit("message", "It is.", namespace="/chat")
            buyer.hears("message", lambda data: data["text"] == "It is.")
            self.assertEqual([data["seq"] for data in buyer.all("message")], [1, 2])

        self.each_transport(check)

    def test_acknowledgements_say_ok_or_error(self):
        def check(transports):
            room, buyer_id, _ = self.haggle.room()
            buyer = self.client(transports, buyer_id)
            self.assertEqual(buyer.ask_well("enterRoom", {"roomId": room})["lastSeq"], 0)
            stored = buyer.ask_well("message", {"text": "hello", "clientId": "one"})
            self.assertEqual(buyer.ask_well("message", {"text": "hello", "clientId": "one"}), stored)
            for event, data, code in [
                ("enterRoom", "no-such-room", "forbidden"),
                ("message", {"text": 7}, "invalid"),
                ("message", b"bytes", "invalid"),
                ("message", "x" * 20_000, "too_large"),
            ]:
                answer = buyer.ask(event, data)
                self.assertEqual([answer["ok"], answer["error"]["code"]], [False, code])

        self.each_transport(check)

    def test_bad_expired_and_missing_tokens_are_refused_with_their_code(self):
        def check(transports):
            expired = sign({"sub": "somebody", "exp": int(time.time()) - 60})
            for auth, code in [({"token": "bad"}, "unauthenticated"), ({"token": expired}, "token_expired"), (None, "unauthenticated")]:
                client = self.client(transports, auth=auth, connect=False)
                with self.assertRaises(socketio.exceptions.ConnectionError):
                    client.socket.connect(self.haggle.url, **client.arguments)
                self.assertEqual(client.hears("connect_error")["data"], {"code": code})

        self.each_transport(check)

    def test_two_namespaces_stand_on_one_connection(self):
        def check(transports):
            room, buyer_id, seller_id = self.haggle.room()
            seller = self.client(transports, seller_id, namespaces=("/chat", "/inbox"))
            self.assertEqual(sorted(seller.socket.namespaces), ["/chat", "/inbox"])
            buyer = self.client(transports, buyer_id)
            buyer.ask_well("message", {"roomId": room, "text": "Is it still for sale?"})
            updated = seller.hears("roomUpdated", lambda data: data["unread"] == 1)
            self.assertEqual(updated["roomId"], room)
            seller.ask_well("enterRoom", room)

        self.each_transport(check)

    def test_a_restart_loses_nothing(self):
        def check(transports):
            room, buyer_id, seller_id = self.haggle.room()
            buyer = self.client(transports, buyer_id)
            buyer.ask_well("enterRoom", room)
            buyer.ask_well("message", "before")
            self.haggle.kill()
            buyer.hears("disconnect")
            self.haggle.restart()
            seller = self.client(transports, seller_id)
            seller.ask_well("message", {"roomId": room, "text": "meanwhile"})
            with buyer.changed:
                back = buyer.changed.wait_for(lambda: sum(name == "connect" for name, _ in buyer.heard) == 2, DEADLINE_S)
            self.assertTrue(back, buyer.heard)
            entered = buyer.ask_well("enterRoom", {"roomId": room, "after": 1})
            self.assertEqual([message["text"] for message in entered["messages"]], ["meanwhile"])

        self.each_transport(check)


if __name__ == "__main__":
    unittest.main(verbosity=2)
