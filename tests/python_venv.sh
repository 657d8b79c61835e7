# Sourced by the run.sh of each suite in Python, which has set `here` to its own folder: use_venv NAME
#
# Makes `venv` the virtual environment target/NAME, made once and again when the suite's requirements.txt changes. Exits with
# 77 where there is no python3 to run it with.
# shellcheck shell=bash
export HAGGLE_BIN="${HAGGLE_BIN:-$here/../../target/debug/haggle}"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PYTHONDONTWRITEBYTECODE=1

use_venv() {
    venv="${CARGO_TARGET_DIR:-$here/../../target}/$1"
    if ! command -v python3 >/dev/null 2>&1; then
        echo "skipped: no python3. Install python3 and python3-venv and run this again" >&2
        exit 77
    fi
    cmp -s "$here/requirements.txt" "$venv/requirements.txt" && return
    rm -rf "$venv"
    if ! python3 -m venv "$venv"; then
        rm -rf "$venv"
        echo "skipped: python3 can't make a virtual environment. Install python3-venv and run this again" >&2
        exit 77
    fi
    "$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.txt"
}
