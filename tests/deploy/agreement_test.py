"""The files agree with haggle, and with each other."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest

from files import DEPLOY, HAGGLE, ROOT, seconds, text

HELP = subprocess.run([str(HAGGLE), "serve", "--help"], capture_output=True, text=True, check=True).stdout

#: What is run or read as it stands, and so must agree with this very haggle.
FILES = ["Dockerfile", *sorted(str(path.relative_to(ROOT)) for path in DEPLOY.rglob("*") if path.is_file())]

#: Flags of other programs in those files' comments and commands.
NOT_HAGGLES = {
    "--no-install-recommends", "--gid", "--uid", "--home-dir", "--no-create-home", "--shell", "--directory", "--owner", "--group",
    "--mode", "--mount", "--from", "--release", "--locked", "--bin", "--features", "--interval", "--timeout", "--start-period",
    "--retries", "--build", "--wait", "--now", "--http_port", "--no-check-certificate", "--from-literal",
}


def copied():
    """What the Dockerfile takes of this tree, but for the licences."""
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", text("Dockerfile"), re.MULTILINE)
    return [word for line in sources for word in line.split()]


class Agreement(unittest.TestCase):
    def test_each_variable_is_one_that_serve_knows(self):
        for path in FILES:
            # A name that stands for many ends with an ellipsis.
            for name in set(re.findall(r"HAGGLE_[A-Z_]*[A-Z](?![A-Z_…])", text(path))):
                self.assertIn(f"[env: {name}", HELP, f"{path} sets {name}")

    def test_each_flag_is_one_that_serve_knows(self):
        for path in FILES:
            for flag in set(re.findall(r"(?<![\w-])--[a-z][a-z_-]+", text(path))) - NOT_HAGGLES:
                self.assertRegex(HELP, rf"{flag}\b(?!-)", f"{path} names {flag}")

    def test_each_feature_is_cargos(self):
        features = tomllib.loads(text("Cargo.toml"))["features"]
        named = re.findall(r"--features (\S+)", text("Dockerfile"))
        self.assertEqual(len(named), 1)
        for feature in named[0].split(","):
            self.assertIn(feature, features)

    def test_the_dockerfile_copies_what_cargo_needs(self):
        sources = copied()
        allowed = {line[1:] for line in text(".dockerignore").split() if line.startswith("!")}
        self.assertEqual(set(sources), allowed, ".dockerignore lets in what is copied, and nothing else")
        with tempfile.TemporaryDirectory() as folder:
            for source in sources:
                path = ROOT / source
                (pathlib.Path(folder) / source).parent.mkdir(parents=True, exist_ok=True)
                (shutil.copytree if path.is_dir() else shutil.copy)(path, f"{folder}/{source}")
            command = ["cargo", "metadata", "--locked", "--format-version", "1"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_the_source_embeds_is_copied(self):
        sources, found = copied(), 0
        for path in (ROOT / "src").rglob("*.rs"):
            # Tests stand last in a file and are not built into an image.
            built = re.split(r"#\[cfg\(test\)\]\nmod tests", path.read_text(encoding="utf-8"))[0]
            for embedded in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', built):
                target = (path.parent / embedded).resolve().relative_to(ROOT)
                self.assertTrue(any(target.is_relative_to(source) for source in sources), f"{path} embeds {target}")
                found += 1
        self.assertGreater(found, 0)

    def test_systemd_waits_longer_than_a_drain(self):
        unit = text("deploy/haggle.service")
        drain, stop = (re.search(rf"{key}=(\d+s)", unit)[1] for key in ("HAGGLE_DRAIN_TIMEOUT", "TimeoutStopSec"))
        self.assertGreater(seconds(stop), seconds(drain))


if __name__ == "__main__":
    unittest.main()
