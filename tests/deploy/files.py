"""The deployment's files, read once."""

import os
import pathlib
import re
import subprocess
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
HAGGLE = pathlib.Path(os.environ["HAGGLE_BIN"]).resolve()

#: Where this environment's own tools are.
TOOLS = pathlib.Path(sys.executable).parent


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def run(*command):
    return subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False)


def compose():
    """deploy/compose.yaml with its anchors and merge keys resolved, as Docker sees it."""
    return yaml.safe_load(text("deploy/compose.yaml"))


def kubernetes():
    """The objects of deploy/kubernetes.yaml by their kind, of which there is one each."""
    objects = [part for part in yaml.safe_load_all(text("deploy/kubernetes.yaml")) if part]
    by_kind = {part["kind"]: part for part in objects}
    assert len(by_kind) == len(objects), "two objects of one kind: tell them apart here"
    return by_kind


def seconds(span):
    """A span as haggle, Compose and systemd write it: 25s, 10m."""
    number, unit = re.fullmatch(r"(\d+)(s|m)", str(span)).groups()
    return int(number) * {"s": 1, "m": 60}[unit]


def image_environment():
    """What ENV lines of the Dockerfile set."""
    return dict(re.findall(r"^ENV ([A-Z_]+)=(\S+)$", text("Dockerfile"), re.MULTILINE))
