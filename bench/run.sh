#!/usr/bin/env bash
# Measures haggle next to what users would pick instead: bench/run.sh --help
set -euo pipefail
exec python3 "$(dirname "${BASH_SOURCE[0]}")/runner/main.py" "$@"
