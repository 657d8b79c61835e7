#!/usr/bin/env bash
# Runs haggle with its images in S3, spoken by moto on this machine: tests/s3/run.sh
#
# Needs python3 with its venv module (Debian: python3 and python3-venv). Its packages live in target/s3_suite, made
# once and again when requirements.txt changes. HAGGLE_BIN names the server, built with --features s3; the default is target/debug/haggle.
# Exits with 77 where there is no python3 to run it with.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../python_venv.sh"
use_venv s3_suite
exec "$venv/bin/python" "$here/images.py" "$@"
