"""The Dockerfile's run step without an image: the same user, file system, environment and command."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

from files import HAGGLE, image_environment, text

START_TIMEOUT_S = 30


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def can_unshare():
    needed = all(shutil.which(name) for name in ("unshare", "setpriv"))
    return needed and os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], check=False).returncode == 0


@unittest.skipUnless(can_unshare(), "needs root, unshare and setpriv")
class Image(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.state = self.folder / "state"
        self.state.mkdir()
        os.chown(self.state, 10001, 10001)
        # The build's folder may be closed to others; an image's /usr/local/bin is not.
        self.binary = self.folder / "haggle"
        shutil.copy(HAGGLE, self.binary)
        secret = self.folder / "jwt-secret"
        secret.write_text("only-for-the-tests-of-this-folder-0123456789\n", encoding="utf-8")
        secret.chmod(0o444)
        self.environment = {**image_environment(), "HAGGLE_JWT_SECRET_FILE": str(secret), "PATH": "/usr/bin:/bin"}
        self.environment["HAGGLE_BIND"] = self.environment["HAGGLE_BIND"].replace("0.0.0.0:5000", f"127.0.0.1:{free_port()}")

    def in_image(self, *command):
        """The command as the image runs it, by the words of the Dockerfile and of compose.yaml."""
        user, group = re.search(r"^USER (\d+):(\d+)$", text("Dockerfile"), re.MULTILINE).groups()
        script = (
            f"mount --bind {self.state} {self.state} && mount -o remount,bind,ro / && "
            f"mount -o remount,bind,ro /tmp 2>/dev/null; cd {self.state} && "
            f"exec setpriv --reuid={user} --regid={group} --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "
            '"$0" "$@"'
        )
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, *map(str, command)]

    def run_in_image(self, *command):
        done = subprocess.run(self.in_image(*command), env=self.environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def test_it_serves_is_healthy_and_drains_with_nothing_to_write_but_its_folder(self):
        self.assertEqual(self.run_in_image("id", "-u"), (0, "10001\n"))
        code, told = self.run_in_image("touch", self.folder / "elsewhere")
        self.assertNotEqual(code, 0, told)
        self.assertEqual(self.run_in_image("touch", "here"), (0, ""))

        unhealthy, told = self.run_in_image(self.binary, "health")
        self.assertEqual(unhealthy, 1, told)
        log = self.folder / "log"
        with log.open("w") as output:
            server = subprocess.Popen(self.in_image(self.binary, "serve"), env=self.environment, stdout=output, stderr=output)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        deadline = time.monotonic() + START_TIMEOUT_S
        while "listening on" not in log.read_text(encoding="utf-8"):
            self.assertIsNone(server.poll(), log.read_text(encoding="utf-8"))
            self.assertLess(time.monotonic(), deadline, log.read_text(encoding="utf-8"))
            time.sleep(0.05)
        healthy, told = self.run_in_image(self.binary, "health")
        self.assertEqual(healthy, 0, told)
        self.assertIn('"ready":true', told)
        self.assertTrue((self.state / "haggle.db").exists())
        # The command took its own place, so this is its process id.
        server.terminate()
        self.assertEqual(server.wait(START_TIMEOUT_S), 0, log.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
