#!/usr/bin/env bash
# Runs every check of haggle: ./test.sh
#
# Needs a Rust toolchain (1.95 or later, with rustfmt and clippy), a C compiler, Node 18 or later and npm. What else is
# missing it installs with apt where it runs as root, or says what to install. Asks nothing and needs no terminal.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec </dev/null

export CARGO_TERM_PROGRESS_WHEN=never
export npm_config_audit=false npm_config_fund=false npm_config_update_notifier=false
# The browser is Debian's; no test library brings its own.
export PUPPETEER_SKIP_DOWNLOAD=1 PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
target_dir="${CARGO_TARGET_DIR:-$PWD/target}"
[[ $target_dir == /* ]] || target_dir="$PWD/$target_dir"
# Nothing is there to build upon: what would be kept for the next build takes a tenth of this one.
[[ -d $target_dir ]] || export CARGO_INCREMENTAL=0

current="the start"
skipped=()
trap 'status=$?; if ((status)); then echo "FAILED after ${SECONDS} s in: $current" >&2; fi' EXIT

# Says what it does, does it, and says how long it took.
step() {
    current="$1"
    shift
    echo "==> $current"
    local start=$SECONDS
    "$@"
    echo "    took $((SECONDS - start)) s"
}

have() { command -v "$1" >/dev/null 2>&1; }

# Makes sure that a command is there, installing a Debian package where that is possible: need COMMAND PACKAGE
need() {
    have "$1" && return
    if ((EUID == 0)) && have apt-get; then
        echo "    installing $2, which brings $1"
        apt-get update -qq || true
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$2" >/dev/null || true
        hash -r
    fi
    have "$1"
}

check_tools() {
    have cargo || { echo "cargo is missing: install Rust 1.95 or later from https://rustup.rs" >&2; return 1; }
    local component
    for component in fmt clippy; do
        cargo "$component" --version >/dev/null 2>&1 && continue
        have rustup && rustup component add "${component/fmt/rustfmt}" && continue
        echo "cargo $component is missing: install rustfmt and clippy with your Rust toolchain" >&2
        return 1
    done
    need cc gcc || { echo "a C compiler is missing: install gcc" >&2; return 1; }
    need node nodejs || { echo "node is missing: install Node 18 or later" >&2; return 1; }
    need npm npm || { echo "npm is missing: install npm" >&2; return 1; }
    node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' ||
        { echo "node is $(node --version): install Node 18 or later" >&2; return 1; }
    cargo --version
    echo "node $(node --version), npm $(npm --version 2>/dev/null)"
}

document() { RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --locked; }

# Runs the tests of a folder that has a package.json of its own, two files at a time: they wait more than they work.
node_suite() (
    cd "$1"
    npm ci --loglevel=error
    node --test --test-concurrency=2 --test-reporter=spec
)

# Modules of the page that need no browser, and nothing from npm.
page_suite() (
    cd tests/page
    node --test --test-reporter=spec
)

# Documents: nothing from npm, and the binary for the table of options.
docs_suite() (
    cd tests/docs
    node --test --test-reporter=spec
)

# One of its tests runs nginx, with a certificate of its own, and is left out where there is none.
socket_io_suite() {
    if ! need nginx nginx-light || ! need openssl openssl; then
        skipped+=("tests/socket_io/nginx.test.js (install nginx-light and openssl)")
    fi
    [[ -n ${HAGGLE_POSTGRES_BIN:-} ]] || skipped+=("tests/socket_io/nodes.test.js (as several nodes above)")
    node_suite tests/socket_io
}

find_browser() {
    local name
    for name in chromium chromium-browser google-chrome; do
        if have "$name"; then
            command -v "$name"
            return
        fi
    done
    return 1
}

# Runs the tests of a folder with a run.sh of its own. Exit code 77 of it says that python3 or its venv module is missing.
python_suite() {
    python3 -c 'import venv, ensurepip' 2>/dev/null || need python3-venv python3-venv || true
    local status=0
    "$1/run.sh" || status=$?
    if ((status == 77)); then
        skipped+=("$1 (install python3-venv)")
        return
    fi
    return "$status"
}

# What `cargo build` makes without any feature: its lints, and what it says about the features that it lacks.
default_build() {
    cargo clippy --locked -- -D warnings
    cargo build --locked --bins
    # What other suites start, before the next build takes its place.
    default_bin="$target_dir/debug/haggle-default"
    cp "$target_dir/debug/haggle" "$default_bin"
    local option answer
    for option in --database-url=postgres://somewhere/haggle --nats-url=nats://127.0.0.1:4222; do
        answer="$("$default_bin" serve --jwt-secret 0123456789abcdef0123456789abcdef "$option" 2>&1)" && return 1
        [[ $answer == "haggle: "*"--features postgres"* ]] || { echo "$option: $answer" >&2; return 1; }
    done
}

# Every feature that can be built here, in one build for all tests.
features="s3"

# The binary with every feature: on PostgreSQL, one of several nodes, or with its images in S3.
every_feature() {
    if pkg-config --exists libpq 2>/dev/null || need pg_config libpq-dev; then
        features="postgres,s3"
    else
        skipped+=("the feature postgres (install libpq-dev)")
    fi
    cargo clippy --all-targets --locked --features "$features" -- -D warnings
    cargo build --locked --features "$features" --bins --examples
    every_feature_bin="$target_dir/debug/haggle-$features"
    cp "$target_dir/debug/haggle" "$every_feature_bin"
}

# All Rust tests on SQLite, except those of several nodes, which need more than SQLite.
rust_tests() {
    local file name targets=(--lib --bins)
    for file in tests/*.rs tests/*/main.rs; do
        name="${file#tests/}" name="${name%/main.rs}" name="${name%.rs}"
        [[ $name == cluster ]] || targets+=(--test "$name")
    done
    cargo test --locked --features "$features" "${targets[@]}"
    cargo test --locked --features "$features" --doc
}

# The same tests, on the other database: its server is the tests' own, one for each run.
postgres_suite() {
    if [[ $features != postgres* ]] || ! find_initdb && ! need_postgresql; then
        echo "    skipped: no PostgreSQL. Install Debian's packages postgresql and libpq-dev and run ./test.sh again" >&2
        skipped+=("the tests on PostgreSQL (install postgresql and libpq-dev)")
        return
    fi
    HAGGLE_TEST_DATABASE=postgres cargo test --locked --features "$features" --lib -- db::
    HAGGLE_TEST_DATABASE=postgres cargo test --locked --features "$features" --test it
}

find_initdb() { have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

need_postgresql() {
    need initdb postgresql || find_initdb
}

# systemd-analyze reads the unit, and promtool the alerts and the dashboard; without them those tests are left out.
deploy_suite() {
    need systemd-analyze systemd || skipped+=("the unit of systemd in tests/deploy (install systemd)")
    need promtool prometheus || skipped+=("the alerts and the dashboard in tests/deploy (install prometheus)")
    python_suite tests/deploy
}

# Three nodes, what they share, and what may happen to it, 30 s each: HAGGLE_CLUSTER_SECONDS=8 is the short run.
cluster_suite() {
    if [[ $features != postgres* ]] || ! find_initdb || ! need nats-server nats-server; then
        echo "    skipped: no PostgreSQL or no NATS. Install Debian's packages postgresql, libpq-dev and nats-server and run ./test.sh again" >&2
        skipped+=("several nodes (install postgresql, libpq-dev and nats-server)")
        return
    fi
    cargo test --locked --features "$features" --test cluster
    export HAGGLE_POSTGRES_BIN="$every_feature_bin"
}

browser_suite() {
    if ! find_browser >/dev/null && ! need chromium chromium; then
        echo "    skipped: no browser. Install Debian's package chromium and run ./test.sh again" >&2
        skipped+=("$1 (install chromium)")
        return
    fi
    # What the tests drive, so that no test guesses where it is.
    CHROMIUM="$(find_browser)" node_suite "$1"
}

# The load generator is haggle's own code, too: `haggle bench`. The peers are checked by the person who runs the benchmark.
load_generator() (
    cd bench
    cargo fmt --check
    cargo clippy --locked -p haggle-load -p peer-relay --all-targets -- -D warnings
    cargo test --locked -p haggle-load
)

instruction_counts() {
    if ! need valgrind valgrind; then
        skipped+=("benches/counts.sh (install valgrind)")
        return
    fi
    benches/counts.sh
}

export WIRE_ECHO_BIN="$target_dir/debug/examples/wire_echo"

step "tools" check_tools
step "cargo fmt --check" cargo fmt --check
step "the default build" default_build
step "every feature" every_feature
# What is cheap and fails often comes before what takes long.
step "cargo doc" document
step "licences" node_suite tests/licences
step "cargo test" rust_tests
step "the tests on PostgreSQL" postgres_suite
step "several nodes" cluster_suite
step "bench/load" load_generator
step "tests/page" page_suite

# The suites below drive the binary itself.
export HAGGLE_BIN="$default_bin"
step "tests/docs" docs_suite
step "tests/socket_io" socket_io_suite
step "tests/client_package" node_suite tests/client_package
step "tests/components_package" node_suite tests/components_package
step "tests/python_socketio" python_suite tests/python_socketio
step "tests/openapi" python_suite tests/openapi
step "tests/deploy" deploy_suite
HAGGLE_BIN="$every_feature_bin" step "tests/s3" python_suite tests/s3
step "tests/browser" browser_suite tests/browser
step "instruction counts" instruction_counts

current="the end"
for suite in ${skipped[@]+"${skipped[@]}"}; do
    echo "SKIPPED: $suite"
done
echo "PASSED in ${SECONDS} s"
