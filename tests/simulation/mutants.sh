#!/bin/sh
# Applies each deliberate breakage of mutants.toml to a copy of the tree, and runs 100,000 steps of the simulation on it.
# Arguments: parts of names; without any, all of them.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
(cd "$root" && git ls-files -z | tar cf - --null -T -) | tar xf - -C "$copy"
python3 - "$root" "$copy" "$@" <<'PYTHON'
import os, pathlib, subprocess, sys, tomllib

root, copy, wanted = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
mutants = tomllib.loads((root / "tests/simulation/mutants.toml").read_text())["mutant"]
target = os.environ.get("HAGGLE_MUTANTS_TARGET", str(root / "target/mutants"))
env = {**os.environ, "CARGO_TARGET_DIR": target, "HAGGLE_SIMULATION_STEPS": "100000"}
command = ["nice", "-n", "19", "cargo", "test", "--test", "simulation", "the_promises"]
missed = 0
for mutant in mutants:
    if wanted and not any(part in mutant["name"] for part in wanted):
        continue
    file = copy / mutant["file"]
    text = file.read_text()
    assert text.count(mutant["find"]) == 1, mutant["name"]
    file.write_text(text.replace(mutant["find"], mutant["replace"]))
    run = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True)
    file.write_text(text)
    output = run.stdout + run.stderr
    problem = next((line for line in output.splitlines() if " fails after " in line or "panicked" in line), "")
    is_built = "could not compile" not in output
    verdict = "does not compile" if not is_built else "caught" if run.returncode else "NOT CAUGHT"
    missed += verdict != "caught"
    print(f"{verdict:16} {mutant['name']:60} {problem[:120]}", flush=True)
sys.exit(1 if missed else 0)
PYTHON
