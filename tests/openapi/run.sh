#!/usr/bin/env bash
# Runs schemathesis against the real server: tests/openapi/run.sh [--seed N] [--max-examples N] [-- OPTIONS OF schemathesis run]
#
# Needs python3 with its venv module (Debian: python3 and python3-venv). Its packages live in target/openapi_suite, made
# once and again when requirements.txt changes. HAGGLE_BIN names the server; the default is target/debug/haggle.
# Exits with 77 where there is no python3 to run it with.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../python_venv.sh"
use_venv openapi_suite
exec "$venv/bin/python" "$here/suite.py" "$@"
