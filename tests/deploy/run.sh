#!/usr/bin/env bash
# Checks the Dockerfile and deploy/, each with its own linter: tests/deploy/run.sh
#
# Needs python3 with its venv module (Debian: python3 and python3-venv). The linters live in target/deploy_linters, made once and
# again when requirements.txt changes. HAGGLE_BIN names the server; the default is target/debug/haggle.
# Exits with 77 where there is no python3 to run it with.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
. "$here/../python_venv.sh"
use_venv deploy_linters
exec "$venv/bin/python" -m unittest discover --start-directory "$here" --pattern '*_test.py' --verbose "$@"
