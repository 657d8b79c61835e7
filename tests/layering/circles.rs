//! Circles of modules: siblings, the children of one module, may import each other only in one direction.
//!
//! An import counts for the two siblings that stand above its ends: `actors/session/chat.rs` that imports `actors/hub/messages.rs` makes
//! `session` use `hub`. A name that a parent exports again counts for the child that it comes from, so no circle hides in the parent. A
//! parent and its own children are no siblings: the parent is their common ground, as Rust's privacy has it.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
};

use super::code_of;

/// What stands at the end of a path: the module, and the rest that is no module.
type Resolved = (Vec<String>, Vec<String>);

/// The modules of a crate: their code by their path, such as `http/api`, without tests.
pub(super) struct Modules {
    code: BTreeMap<Vec<String>, String>,
    /// What a module exports of others, by its name here.
    exports: BTreeMap<Vec<String>, BTreeMap<String, Resolved>>,
}

/// Who uses whom among the children of one module, and the two files that show it.
type Siblings = BTreeMap<String, BTreeMap<String, (String, String)>>;

impl Modules {
    /// Reads files by their paths below `src`.
    pub(super) fn read<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut code = BTreeMap::new();
        let mut tests = BTreeSet::new();
        for (file, source) in files {
            let module = module_of(file);
            let text = source.lines().map(code_of).collect::<Vec<_>>().join("\n");
            let (text, test_modules) = without_tests(&text);
            tests.extend(test_modules.into_iter().map(|test| [module.clone(), vec![test]].concat()));
            code.insert(module, text);
        }
        code.retain(|module, _| !(0..=module.len()).any(|end| tests.contains(&module[..end])));
        let mut modules = Self { code, exports: BTreeMap::new() };
        modules.exports = modules.code.keys().map(|module| (module.clone(), modules.exports_of(module))).collect();
        modules
    }

    /// Each circle that there is, with the files that make it.
    pub(super) fn circles(&self) -> Vec<String> {
        let mut levels: BTreeMap<Vec<String>, Siblings> = BTreeMap::new();
        for user in self.code.keys() {
            for used in self.used_by(user) {
                let shared = user.iter().zip(&used).take_while(|(a, b)| a == b).count();
                if let (Some(from), Some(to)) = (user.get(shared), used.get(shared)) {
                    let siblings = levels.entry(user[..shared].to_vec()).or_default();
                    let files = || (user.join("/"), used.join("/"));
                    siblings.entry(from.clone()).or_default().entry(to.clone()).or_insert_with(files);
                }
            }
        }
        levels.iter().flat_map(|(level, them)| circles_of(level, them)).collect()
    }

    fn exports_of(&self, module: &[String]) -> BTreeMap<String, Resolved> {
        let code = &self.code[module];
        let mut exports = BTreeMap::new();
        for (at, _) in code.match_indices("pub") {
            let after = code[at + 3..].trim_start();
            let after = after.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(after, |(_, rest)| rest);
            let Some(path) = after.trim_start().strip_prefix("use ") else { continue };
            for path in paths(path) {
                if let Some(name) = path.last() {
                    exports.insert(name.clone(), self.resolve(module, &path));
                }
            }
        }
        exports
    }

    /// The modules that a module names, beginning with `crate`, `self` or `super`.
    fn used_by(&self, module: &[String]) -> BTreeSet<Vec<String>> {
        let code = &self.code[module];
        let mut used = BTreeSet::new();
        for root in ["crate::", "self::", "super::"] {
            for (at, _) in code.match_indices(root) {
                let before = code[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                    continue;
                }
                used.extend(paths(&code[at..]).iter().map(|path| self.origin(self.resolve(module, path))));
            }
        }
        used.remove(module);
        used
    }

    /// Follows a path as far as it names modules.
    fn resolve(&self, module: &[String], path: &[String]) -> Resolved {
        let mut rest = path;
        let mut base = module.to_vec();
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" => base.clear(),
                "self" => {}
                "super" => drop(base.pop()),
                _ => break,
            }
            rest = after;
        }
        while let Some((first, after)) = rest.split_first() {
            base.push(first.clone());
            let at_or_below = self.code.range(base.clone()..).next();
            if !at_or_below.is_some_and(|(module, _)| module.starts_with(&base)) {
                base.pop();
                break;
            }
            rest = after;
        }
        (base, rest.to_vec())
    }

    /// The module that a name comes from, where others export it again.
    fn origin(&self, (mut module, mut rest): Resolved) -> Vec<String> {
        while let Some((from, name)) = rest.first().and_then(|name| self.exports.get(&module)?.get(name)) {
            if *from == module {
                break;
            }
            rest = name.iter().chain(rest.get(1..).unwrap_or_default()).cloned().collect();
            module.clone_from(from);
        }
        module
    }
}

fn module_of(file: &str) -> Vec<String> {
    let module = file.trim_end_matches(".rs");
    if module == "lib" { Vec::new() } else { module.split('/').map(str::to_owned).collect() }
}

/// The code without its module of tests, which stands last, and the names of test modules that have files of their own.
fn without_tests(code: &str) -> (String, Vec<String>) {
    let mut names = Vec::new();
    for (at, mark) in code.match_indices("#[cfg(test)]") {
        let item = code[at + mark.len()..].trim_start();
        let Some((_, module)) = item.split_once("mod ").filter(|(before, _)| !before.contains(['\n', ';'])) else {
            continue;
        };
        let name: String = module.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if module[name.len()..].starts_with(';') {
            names.push(name);
        } else {
            return (code[..at].to_owned(), names);
        }
    }
    (code.to_owned(), names)
}

/// The paths that a text begins with: `a::{b::c, d}` is `a::b::c` and `a::d`.
fn paths(text: &str) -> Vec<Vec<String>> {
    let text = text.trim_start();
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let Some(rest) = text[name.len()..].strip_prefix("::") else {
        return if name.is_empty() { Vec::new() } else { vec![vec![name]] };
    };
    let tails = match rest.trim_start().strip_prefix('{') {
        Some(group) => members(group).into_iter().flat_map(paths).collect(),
        None => paths(rest),
    };
    // What ends in a `*` names the module before it.
    if tails.is_empty() {
        return vec![vec![name]];
    }
    tails.into_iter().map(|tail| [vec![name.clone()], tail].concat()).collect()
}

/// The parts of a group whose opening brace is gone.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                found.push(&group[start..at]);
                break;
            }
            ',' if depth == 0 => {
                found.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found
}

/// The shortest circle through each module that is in one, each module once.
fn circles_of(level: &[String], siblings: &Siblings) -> Vec<String> {
    let mut reported = BTreeSet::new();
    let mut found = Vec::new();
    for start in siblings.keys() {
        if reported.contains(start) {
            continue;
        }
        let Some(circle) = shortest_circle(start, siblings) else { continue };
        reported.extend(circle.iter().cloned());
        let mut report = format!("a circle in src/{}: {} → {start}", level.join("/"), circle.join(" → "));
        for (at, from) in circle.iter().enumerate() {
            let (user, used) = &siblings[from][&circle[(at + 1) % circle.len()]];
            let _ = write!(report, "\n    src/{user}.rs imports src/{used}.rs");
        }
        found.push(report);
    }
    found
}

fn shortest_circle(start: &String, siblings: &Siblings) -> Option<Vec<String>> {
    let mut came_from: BTreeMap<&String, &String> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(module) = queue.pop_front() {
        for next in siblings.get(module).into_iter().flat_map(BTreeMap::keys) {
            if next == start {
                let mut circle = vec![module.clone()];
                let mut at = module;
                while at != start {
                    at = came_from[at];
                    circle.push(at.clone());
                }
                circle.reverse();
                return Some(circle);
            }
            if !came_from.contains_key(next) {
                came_from.insert(next, module);
                queue.push_back(next);
            }
        }
    }
    None
}

fn circles(files: &[(&str, &str)]) -> Vec<String> {
    Modules::read(files.iter().copied()).circles()
}

#[test]
fn a_circle_of_siblings_is_found_with_the_files_that_make_it() {
    let files = [
        ("actors.rs", "pub mod bus;\npub mod hub;\npub mod session;"),
        ("actors/bus.rs", "use crate::actors::hub::{Hub, messages::Tell};"),
        ("actors/hub.rs", "pub mod messages;\nuse super::session::Outbox;"),
        ("actors/hub/messages.rs", "pub struct Tell;"),
        ("actors/session.rs", "pub mod chat;\npub struct Outbox;"),
        ("actors/session/chat.rs", "fn f() { super::super::bus::start() }"),
    ];
    assert_eq!(
        circles(&files),
        ["a circle in src/actors: bus → hub → session → bus\n    src/actors/bus.rs imports src/actors/hub.rs\n    \
          src/actors/hub.rs imports src/actors/session.rs\n    src/actors/session/chat.rs imports src/actors/bus.rs"]
    );
}

#[test]
fn a_circle_is_found_on_every_level_and_behind_what_a_parent_exports() {
    let deep = [
        ("db/models/a.rs", "use super::b::B;"),
        ("db/models/b.rs", "use crate::{\n    db::{\n        models::a::A,\n    },\n};"),
    ];
    assert_eq!(circles(&deep).len(), 1);
    let exported = [
        ("db.rs", "mod a;\nmod b;\npub use a::A;\npub(crate) use self::b::{B, C};"),
        ("db/a.rs", "use super::C;\npub struct A;"),
        ("db/b.rs", "use crate::db::A;\npub struct B;"),
    ];
    let found = circles(&exported);
    assert!(found.len() == 1 && found[0].starts_with("a circle in src/db: a → b → a"), "{found:?}");
    let at_the_top = [("clock.rs", "use crate::metrics::Metrics;"), ("metrics.rs", "use crate::clock::Clock;")];
    assert_eq!(circles(&at_the_top).len(), 1);
}

#[test]
fn parents_with_their_children_tests_and_comments_make_no_circle() {
    let cases: &[&[(&str, &str)]] = &[
        &[("db.rs", "mod a;\npub struct Row;\nuse self::a::A;"), ("db/a.rs", "use super::Row;\npub struct A;")],
        &[
            ("db/a.rs", "use super::b::B;"),
            ("db/b.rs", "struct B;\n#[cfg(test)]\nmod tests {\n    use crate::db::a::A;\n}"),
        ],
        &[
            ("db.rs", "#[cfg(test)]\npub(crate) mod b;"),
            ("db/a.rs", "use super::b::B;"),
            ("db/b.rs", "use super::a::A;"),
        ],
        &[("db/a.rs", "use super::b::B;"), ("db/b.rs", "// use super::a::A;\nfn f() { log(\"crate::db::a::A\") }")],
    ];
    for files in cases {
        assert_eq!(circles(files), Vec::<String>::new(), "{files:?}");
    }
}
