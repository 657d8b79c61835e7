"""Images in S3, spoken by moto on this machine, against the real server: tests/s3/run.sh"""

import json
import os
import queue
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
import zlib

from moto.server import ThreadedMotoServer

BUCKET = "chat-images"
DEADLINE_S = 30
ROOM = "room-mina-camera"


class Store:
    """An S3 of one's own."""

    def __init__(self):
        self.start(0)
        self.port = self.server.get_host_and_port()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.make_bucket()

    def make_bucket(self):
        request = urllib.request.Request(f"{self.url}/{BUCKET}", method="PUT")
        urllib.request.urlopen(request, timeout=DEADLINE_S).close()

    def start(self, port):
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
        self.server.start()

    def files(self):
        """What it holds: sizes in bytes by name."""
        with urllib.request.urlopen(f"{self.url}/{BUCKET}?list-type=2", timeout=DEADLINE_S) as response:
            listing = response.read().decode()
        return dict(zip(re.findall(r"<Key>(.*?)</Key>", listing), map(int, re.findall(r"<Size>(\d+)</Size>", listing))))

    def stop(self):
        self.server.stop()


class Haggle:
    """`haggle demo`, on a free port, with its images in a store."""

    def __init__(self, store):
        self.folder = tempfile.TemporaryDirectory(prefix="haggle-s3-")
        database = os.path.join(self.folder.name, "haggle.db")
        command = [os.environ["HAGGLE_BIN"], "demo", "--bind", "127.0.0.1:0", "--database-url", database]
        command += ["--image-store", f"s3://{BUCKET}/pictures"]
        environment = {
            **os.environ,
            "AWS_ENDPOINT": store.url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "only-for-this-test",
            "AWS_SECRET_ACCESS_KEY": "only-for-this-test",
        }
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
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
        body = json.dumps({"userId": "mina"}).encode()
        self.token = json.loads(self.ask("POST", "/api/v1/demo/sign-in", body, "application/json")[1])["token"]

    def ask(self, method, path, body=None, content_type=None):
        """The status and the body of an answer, also of one that refuses."""
        headers = {"content-type": content_type} if content_type else {}
        # A signed address needs no token.
        if content_type and hasattr(self, "token") or method == "DELETE":
            headers["authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.url + path, method=method, headers=headers, data=body)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read()

    def send_image(self):
        head = b'--x\r\ncontent-disposition: form-data; name="image"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n'
        form = head + picture() + b"\r\n--x--\r\n"
        status, answer = self.ask("POST", f"/api/v1/rooms/{ROOM}/images", form, "multipart/form-data; boundary=x")
        return status, json.loads(answer)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        ended = self.process.wait(DEADLINE_S)
        self.folder.cleanup()
        assert ended == 0 and not any("panicked" in line for line in self.log), "".join(self.log)


def picture():
    """A PNG of one pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\xff\xff")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


class Images(unittest.TestCase):
    def setUp(self):
        self.store = Store()
        self.addCleanup(lambda: self.store.stop())
        self.haggle = Haggle(self.store)
        self.addCleanup(self.haggle.stop)

    def test_an_image_is_kept_in_the_bucket_read_from_there_and_gone_with_its_message(self):
        status, message = self.haggle.send_image()
        self.assertEqual(status, 201, message)
        data = message["data"]
        files = self.store.files()
        self.assertEqual(len(files), 2, files)
        for name in ("url", "thumbnailUrl"):
            status, image = self.haggle.ask("GET", data[name])
            self.assertEqual((status, image[:3]), (200, b"\xff\xd8\xff"), name)
            file = "pictures/" + re.search(r"/images/([^?]+)", data[name])[1]
            self.assertEqual(files[file], len(image), name)
            # The bucket itself shows it to nobody.
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{self.store.url}/{BUCKET}/{file}", timeout=DEADLINE_S)
            refused.exception.close()
            self.assertEqual(refused.exception.code, 403)

        status, _ = self.haggle.ask("DELETE", f"/api/v1/rooms/{ROOM}/messages/{message['id']}")
        self.assertEqual(status, 200)
        deadline = time.monotonic() + DEADLINE_S
        while self.store.files() and time.monotonic() < deadline:
            threading.Event().wait(0.05)
        self.assertEqual(self.store.files(), {})
        self.assertEqual(self.haggle.ask("GET", data["url"])[0], 404)

    def test_while_the_store_does_not_answer_an_image_is_refused_in_time_and_afterwards_taken(self):
        self.store.stop()
        # Takes connections, and says nothing.
        silent = socket.create_server(("127.0.0.1", self.store.port))
        with silent:
            began = time.monotonic()
            status, problem = self.haggle.send_image()
            self.assertEqual((status, problem["code"]), (503, "unavailable"))
            self.assertLess(time.monotonic() - began, DEADLINE_S)
        self.store.start(self.store.port)
        self.store.make_bucket()
        status, message = self.haggle.send_image()
        self.assertEqual((status, message["kind"]), (201, "image"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
