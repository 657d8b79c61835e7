//! The architecture, kept true by reading the source: imports point down, and outer crates have one address.
//!
//! `main → internals → cli → server → http → actors → chat → {db, broker, auth} → protocol → domain`. An import may skip a level; it never
//! climbs, and siblings don't know each other. The modules of [`SERVICES`] may be used by all of them. Below that, siblings form no circle.

#[path = "layering/circles.rs"]
mod circles;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// The levels from the top; the modules of one level are siblings.
const LEVELS: [&[&str]; 11] = [
    &["main"],
    // The way in for the program, tests, benchmarks and fuzz targets. It has no code of its own.
    &["internals"],
    &["cli"],
    &["server"],
    &["http"],
    &["actors"],
    &["chat"],
    &["db", "broker", "auth", "images"],
    &["protocol"],
    &["domain"],
    // Attributes alone.
    &["api_docs"],
];

/// What serves every level. It may use `domain` and its own kind.
const SERVICES: [&str; 6] = ["error", "clock", "metrics", "config", "tls", "http_agent"];

/// Outer crates that have one address: where their name may stand, as beginnings of paths below `src`.
const ADDRESSES: [(&str, &[&str]); 8] = [
    ("actix", &["server.rs", "server/", "http.rs", "http/", "actors.rs", "actors/", "cli.rs", "cli/"]),
    ("async_nats", &["broker/nats.rs"]),
    ("diesel", &["db.rs", "db/"]),
    ("diesel_migrations", &["db.rs", "db/"]),
    ("image", &["images.rs", "images/"]),
    ("object_store", &["images.rs", "images/"]),
    ("jsonwebtoken", &["auth.rs", "auth/"]),
    ("actix_web_actors", &["actors/session.rs", "actors/session/"]),
];

/// Where a module stands; a service is below everything but `domain`.
fn level(module: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&module))
}

fn may_use(user: &str, used: &str) -> bool {
    if user == used || used == "api_docs" || (used == "domain" && user != "api_docs") {
        return true;
    }
    if SERVICES.contains(&used) {
        return user != "domain";
    }
    match (level(user), level(used)) {
        (Some(user), Some(used)) => user < used,
        // A service uses no level but `domain`; an unknown module is reported separately.
        _ => false,
    }
}

/// A line of source without its comment and, as far as one line shows, its strings.
fn code_of(line: &str) -> String {
    let line = line.split("//").next().unwrap_or_default();
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// The modules of this crate that `code` names: of `crate::a::b` and `crate::{a::b, c}` it is `a` and `c`.
fn modules_in(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(root) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|before| before.is_alphanumeric() || before == '_' || before == ':') {
            continue;
        }
        let rest = &code[at + root.len()..];
        let mut add = |offset: usize, path: &str| {
            let module: String = path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let line = code[..at + root.len() + offset].matches('\n').count();
            // `crate::Config`, a type that the crate's root exports again, stands for its module.
            if !module.is_empty() {
                found.push((line, module));
            }
        };
        let Some(group) = rest.strip_prefix('{') else {
            add(0, rest);
            continue;
        };
        let (mut depth, mut start) = (0_usize, 0);
        for (offset, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    add(1 + start, &group[start..offset]);
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    add(1 + start, &group[start..offset]);
                    start = offset + 1;
                    // The line of a path is where it begins, after its indentation.
                    start += group[start..].len() - group[start..].trim_start().len();
                }
                _ => {}
            }
        }
    }
    found
}

fn names(code: &str, outer: &str) -> bool {
    code.match_indices(outer).any(|(at, _)| {
        let bounded = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        let path = code[at + outer.len()..].starts_with("::") || code[..at].trim_end().ends_with("use");
        bounded(code[..at].chars().next_back()) && bounded(code[at + outer.len()..].chars().next()) && path
    })
}

/// What one file does that it must not, each as `src/file.rs:line: what`.
fn violations(file: &str, source: &str) -> Vec<String> {
    let module = file.split(['/', '.']).next().unwrap_or_default();
    let mut found = Vec::new();
    let code: Vec<_> = source.lines().map(code_of).collect();
    let text = code.join("\n");

    for (outer, addresses) in ADDRESSES {
        if addresses.iter().any(|address| file.starts_with(address)) {
            continue;
        }
        for (number, _) in code.iter().enumerate().filter(|(_, line)| names(line, outer)) {
            found.push(format!(
                "src/{file}:{}: `{outer}` has its address in src/{}",
                number + 1,
                addresses.join(" and src/")
            ));
        }
    }

    // The root declares the modules and exports what users of the library need.
    if module == "lib" {
        return found;
    }
    if level(module).is_none() && !SERVICES.contains(&module) {
        found.push(format!("src/{file}:1: `{module}` has no level yet: give it one in tests/layering.rs"));
        return found;
    }
    // The binary sees the library from outside.
    let root = if module == "main" { "haggle::" } else { "crate::" };
    for (line, used) in modules_in(&text, root) {
        let is_type = used.starts_with(char::is_uppercase);
        if !is_type && !may_use(module, &used) {
            found.push(format!("src/{file}:{}: `{module}` must not use `{used}`", line + 1));
        }
    }
    found
}

fn files_below(folder: &Path, out: &mut BTreeSet<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path();
        if path.is_dir() {
            files_below(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.insert(path);
        }
    }
}

/// The files below `src`, by their paths there.
fn sources() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeSet::new();
    files_below(&src, &mut files);
    let read = |path: &PathBuf| {
        let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path.strip_prefix(&src).unwrap_or(path).to_string_lossy().replace('\\', "/"), source)
    };
    files.iter().map(read).collect()
}

#[test]
fn siblings_form_no_circle() {
    let sources = sources();
    let modules = circles::Modules::read(sources.iter().map(|(file, source)| (file.as_str(), source.as_str())));
    let circles = modules.circles();
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

#[test]
fn imports_point_down_and_outer_crates_have_one_address() {
    let mut report = String::new();
    for (file, source) in sources() {
        for violation in violations(&file, &source) {
            let _ = writeln!(report, "{violation}");
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn a_violation_is_found_with_its_file_and_line() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("domain/id.rs", "use crate::domain::Seq;", &[]),
        ("domain/id.rs", "use crate::error::ChatError;", &["src/domain/id.rs:1: `domain` must not use `error`"]),
        ("protocol/json.rs", "\nuse crate::{domain::Seq, error::ChatError};", &[]),
        ("protocol/json.rs", "use crate::db::Pool;", &["src/protocol/json.rs:1: `protocol` must not use `db`"]),
        ("db/pool.rs", "use crate::auth::Policy;", &["src/db/pool.rs:1: `db` must not use `auth`"]),
        (
            "db/pool.rs",
            "use crate::{\n    clock::Clock,\n    http::{api, problem},\n    protocol::event,\n};",
            &["src/db/pool.rs:3: `db` must not use `http`"],
        ),
        ("http/ws.rs", "fn f() { crate::actors::start(); crate::db::open() }", &[]),
        ("http/ws.rs", "fn f() {\n    crate::server::start();\n}", &["src/http/ws.rs:2: `http` must not use `server`"]),
        ("http/ws.rs", "// crate::server starts it\nfn f() { log(\"crate::server::x\") }", &[]),
        ("http/ws.rs", "use crate::Config;", &[]),
        ("main.rs", "use haggle::internals::{cli, config::Config};", &[]),
        ("config.rs", "use crate::cli::Serve;", &["src/config.rs:1: `config` must not use `cli`"]),
        ("metrics.rs", "use crate::{clock::Clock, domain::Seq};", &[]),
        ("helpers.rs", "", &["src/helpers.rs:1: `helpers` has no level yet: give it one in tests/layering.rs"]),
        ("db/models/room.rs", "use diesel::prelude::*;", &[]),
        (
            "http/api/me.rs",
            "use diesel::prelude::*;",
            &["src/http/api/me.rs:1: `diesel` has its address in src/db.rs and src/db/"],
        ),
        ("http/api/me.rs", "// diesel::prelude is for db", &[]),
        (
            "lib.rs",
            "//! Docs.\nuse jsonwebtoken as jwt;",
            &["src/lib.rs:2: `jsonwebtoken` has its address in src/auth.rs and src/auth/"],
        ),
        (
            "chat/typing.rs",
            "use actix::Addr;",
            &["src/chat/typing.rs:1: `actix` has its address in src/server.rs and src/server/ and src/http.rs and \
                 src/http/ and src/actors.rs and src/actors/ and src/cli.rs and src/cli/"],
        ),
        ("chat/typing.rs", "use crate::actors::hub::Hub;", &["src/chat/typing.rs:1: `chat` must not use `actors`"]),
        ("actors/session/ws.rs", "use actix_web_actors::ws;", &[]),
        (
            "http/ws.rs",
            "fn f() -> actix_web_actors::ws::Message { todo() }",
            &["src/http/ws.rs:1: `actix_web_actors` has its address in src/actors/session.rs and src/actors/session/"],
        ),
    ];
    for (file, source, expected) in cases {
        assert_eq!(violations(file, source), *expected, "{file}: {source}");
    }
}
