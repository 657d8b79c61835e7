"""The files agree with haggle, and with each other."""

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
        sources = re.findall(r"^COPY (?!--from)(.+) \S+$", text("Dockerfile"), re.MULTILINE)
        sources = [word for line in sources for word in line.split()]
        allowed = {line[1:] for line in text(".dockerignore").split() if line.startswith("!")}
        self.assertEqual(set(sources), allowed, ".dockerignore lets in what is copied, and nothing else")
        with tempfile.TemporaryDirectory() as folder:
            for source in sources:
                path = ROOT / source
                (shutil.copytree if path.is_dir() else shutil.copy)(path, f"{folder}/{source}")
            command = ["cargo", "metadata", "--locked", "--no-deps", "--format-version", "1"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_the_source_embeds_is_copied(self):
        for path in (ROOT / "src").rglob("*.rs"):
            # Tests stand last in a file and are not built into an image.
            built = path.read_text(encoding="utf-8").split("#[cfg(test)]")[0]
            for embedded in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', built):
                target = (path.parent / embedded).resolve().relative_to(ROOT)
                self.assertTrue(target.parts[0] in {"src", "static", "migrations"}, f"{path} embeds {target}")

    def test_systemd_waits_longer_than_a_drain(self):
        unit = text("deploy/haggle.service")
        drain, stop = (re.search(rf"{key}=(\d+s)", unit)[1] for key in ("HAGGLE_DRAIN_TIMEOUT", "TimeoutStopSec"))
        self.assertGreater(seconds(stop), seconds(drain))


if __name__ == "__main__":
    unittest.main()
