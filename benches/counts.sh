#!/usr/bin/env bash
# Counts the instructions of the hot paths, and fails where one has grown by more than 5 %: benches/counts.sh
# After a change that is worth its price, or with another compiler: benches/counts.sh --renew, and commit counts.txt.
#
# Callgrind counts, so neither the machine's speed nor who else is busy on it matters. A path's count is the difference
# between many times and few times, divided: start and fixtures drop out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

counts=benches/counts.txt
tolerance_percent=5
# The few and the many times of each path.
paths=(decode:500:2500 screen:500:2500 deliver:500:2500 fan-out:50:250 encode:500:2500 batch:8:24)

command -v valgrind >/dev/null || { echo "valgrind is missing: install it" >&2; exit 77; }
compiler="$(rustc --version | cut -d' ' -f2 | cut -d. -f1,2)"
machine="$(uname -m)"
# The allocator and the copies that are counted, too.
libc="$(getconf GNU_LIBC_VERSION 2>/dev/null || echo "another C library")"
of="on $machine, by Rust $compiler, with $libc."

program="$(cargo build --profile counts --locked --bench counts --message-format=json |
    sed -n 's/.*"executable":"\([^"]*counts-[^"]*\)".*/\1/p' | tail -1)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Instructions of one run. glibc's widest copies are left out, so that processors which have them count like those that don't.
instructions() {
    GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM TMPDIR="$work" \
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p'
}

count() {
    local path few many at_few at_many
    IFS=: read -r path few many <<<"$1"
    at_few="$(instructions "$path" "$few")"
    at_many="$(instructions "$path" "$many")"
    echo "$path $(((at_many - at_few) / (many - few)))"
}

for path in "${paths[@]}"; do count "$path"; done | tee "$work/now"

if [[ ${1:-} == --renew ]]; then
    {
        echo "# Instructions a time $of Renewed by benches/counts.sh --renew"
        cat "$work/now"
    } >"$counts"
    echo "wrote $counts"
    exit
fi
if ! grep -qF "$of" "$counts"; then
    echo "not compared: $counts is of another machine, compiler or C library than these: $of ($(head -1 "$counts"))"
    exit
fi
awk -v tolerance="$tolerance_percent" '
    NR == FNR { if ($1 != "#") before[$1] = $2; next }
    !($1 in before) { print $1 " is not in the file: renew it"; failed = 1; next }
    {
        change = 100 * ($2 - before[$1]) / before[$1]
        printf "%-8s %9d -> %9d  %+.1f %%\n", $1, before[$1], $2, change
        if (change > tolerance) { print $1 " has grown by more than " tolerance " %"; failed = 1 }
        if (change < -tolerance) print $1 " has shrunk: renew the counts, so that it stays so"
    }
    END { exit failed }
' "$counts" "$work/now"
