//! The table: every event on both wires, every route, every phase of a connection, each at its costliest allowed input.

use std::{collections::BTreeSet, rc::Rc, sync::Arc};

use haggle::internals::protocol::event::ClientEvent;
use serde_json::Value;

use super::{
    attack::{Attacker, Running},
    event_rows, phase_rows, route_rows,
    session::Wire,
};

/// Who attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// A client without a token.
    Nobody,
    /// An ordinary user.
    User,
    /// The marketplace's own backend, with what a user has made expensive for it.
    Service,
}

impl Account {
    /// By how much the server may grow in the meantime, in MiB.
    pub const fn growth_mib_max(self) -> u64 {
        match self {
            Self::Nobody => 16,
            Self::User | Self::Service => 64,
        }
    }
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// An event on a wire, by their names.
    Event(&'static str, &'static str),
    /// A route: its method and its path as the OpenAPI document has them.
    Route(&'static str, &'static str),
    /// What a connection goes through before and next to events and requests.
    Phase,
}

/// What an attacker does.
pub type Attack = Arc<dyn Fn(Rc<Attacker>) -> Running + Send + Sync>;

/// One row.
pub struct Row {
    pub name: String,
    pub subject: Subject,
    pub account: Account,
    /// Whether the server speaks TLS.
    pub tls: bool,
    /// Operations in the suite, where their number is bounded.
    pub operations: u64,
    pub attack: Attack,
}

/// Operations of a row in the suite: more than a user's burst.
pub const OPERATIONS: u64 = 150;

/// Wraps what an attacker does.
pub fn attack<F: Future<Output = ()> + 'static>(run: impl Fn(Rc<Attacker>) -> F + Send + Sync + 'static) -> Attack {
    Arc::new(move |attacker| Box::pin(run(attacker)))
}

/// Every row.
pub fn rows() -> Vec<Row> {
    let mut rows = event_rows::rows();
    rows.extend(route_rows::rows());
    rows.extend(phase_rows::rows());
    rows
}

/// What has no row, each in a sentence that says where to add it.
pub fn missing(rows: &[Row], document: &Value) -> Vec<String> {
    let subjects: BTreeSet<_> = rows.iter().map(|row| row.subject.clone()).collect();
    let mut missing = Vec::new();
    for event in ClientEvent::NAMES {
        for wire in Wire::ALL {
            if !subjects.contains(&Subject::Event(event, wire.name())) {
                missing.push(format!(
                    "the event `{event}` has no row: add its costliest input to `inputs` in tests/neighbours/event_rows.rs"
                ));
            }
        }
    }
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for method in methods.as_object().into_iter().flatten().map(|(method, _)| method.to_uppercase()) {
            let found = subjects.iter().any(
                |subject| matches!(subject, Subject::Route(row_method, row_path) if *row_method == method && row_path == path),
            );
            // What answers HEAD is what answers GET.
            if !found && method != "HEAD" {
                missing.push(format!(
                    "{method} {path} has no row: add its costliest request to `rows` in tests/neighbours/route_rows.rs"
                ));
            }
        }
    }
    missing
}
