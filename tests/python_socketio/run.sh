#!/usr/bin/env bash
# Runs python-socketio's client against the real server: tests/python_socketio/run.sh
#
# Needs python3 with its venv module (Debian: python3 and python3-venv). Its packages live in target/python_socketio, made
# once and again when requirements.txt changes. HAGGLE_BIN names the server; the default is target/debug/haggle.
# Exits with 77 where there is no python3 to run it with.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../python_venv.sh"
use_venv python_socketio
exec "$venv/bin/python" "$here/flow.py" "$@"
