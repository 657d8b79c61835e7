#!/usr/bin/env bash
# Runs haggle with its images in S3, spoken by moto on this machine: tests/s3/run.sh
#
# Needs python3 with its venv module (Debian: python3 and python3-venv). Its packages live in target/s3_suite, made
# once and again when requirements.txt changes. HAGGLE_BIN names the server, built with --features s3; the default is target/debug/haggle.
# Exits with 77 where there is no python3 to run it with.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
venv="${CARGO_TARGET_DIR:-$here/../../target}/s3_suite"
export HAGGLE_BIN="${HAGGLE_BIN:-$here/../../target/debug/haggle}"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONDONTWRITEBYTECODE=1

if ! command -v python3 >/dev/null 2>&1; then
    echo "skipped: no python3. Install python3 and python3-venv and run this again" >&2
    exit 77
fi
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
    rm -rf "$venv"
    if ! python3 -m venv "$venv"; then
        rm -rf "$venv"
        echo "skipped: python3 can't make a virtual environment. Install python3-venv and run this again" >&2
        exit 77
    fi
    "$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
fi
exec "$venv/bin/python" "$here/images.py" "$@"
