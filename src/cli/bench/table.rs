//! What is printed of an outcome.

use haggle_load::{outcome::Outcome, workload::Failed};

/// Below this share of the time a machine that stood still leaves p99 to the server.
const STOOD_STILL_MIN: f64 = 0.005;

/// The columns' names.
pub(super) fn head() -> String {
    let of = ["per second", "p50 ms", "p99 ms", "p99.9 ms", "wrong"];
    let mut line = format!("{:18}", "load");
    for name in of {
        line += &format!("{name:>12}");
    }
    line
}

/// One load's line, with what there is to say about it below.
pub(super) fn row(name: &str, outcome: &Result<Outcome, Failed>) -> String {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(failed) => return format!("{name:18} failed: {failed}{}", hint(&failed.0)),
    };
    let faults = &outcome.faults;
    let wrong =
        faults.lost + faults.repeated + faults.out_of_order + faults.wrong_room + faults.closed + faults.refused;
    let ms = |micros: f64| {
        if outcome.latency_us.count == 0 { "-".to_owned() } else { format!("{:.2}", micros / 1000.0) }
    };
    let rate = if name == "idle" { "-".to_owned() } else { format!("{:.0}", outcome.per_second) };
    let latency = outcome.latency_us;
    let mut line =
        format!("{name:18}{rate:>12}{:>12}{:>12}{:>12}{wrong:>12}", ms(latency.p50), ms(latency.p99), ms(latency.p999));
    let counted = [
        (faults.lost, "lost"),
        (faults.repeated, "came twice"),
        (faults.out_of_order, "out of order"),
        (faults.wrong_room, "in a wrong room"),
        (faults.closed, "connections ended"),
        (faults.refused, "refused"),
    ];
    for (count, what) in counted.into_iter().filter(|(count, _)| *count > 0) {
        line += &format!("\n  {count} {what}");
    }
    if let Some(refusal) = &outcome.first_refusal {
        line += &format!("\n  the first refusal: {refusal}{}", hint(refusal));
    }
    if outcome.load_was_the_limit {
        line += "\n  the load was at its own limit: the server could do more, give --threads";
    }
    if outcome.stood_still >= STOOD_STILL_MIN {
        let percent = 100.0 * outcome.stood_still;
        line +=
            &format!("\n  this machine stood still for {percent:.0} % of the time: the latencies are partly its own");
    }
    if let Some(cost) = outcome.server {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let (each, kib) = (
            cost.cpu_seconds * 1e6 / outcome.count.max(1) as f64,
            cost.rss_after_kib.saturating_sub(cost.rss_before_kib) as f64 / outcome.connections.max(1) as f64,
        );
        line += &if name == "idle" {
            format!(
                "\n  {kib:.1} KiB of memory a connection, {:.1} % of a core",
                100.0 * cost.cpu_seconds / cost.seconds
            )
        } else {
            format!(
                "\n  {each:.1} µs of processor time each, {:.0} % of a core",
                100.0 * cost.cpu_seconds / cost.seconds
            )
        };
    }
    line
}

/// What to do about a refusal.
fn hint(refusal: &str) -> &'static str {
    if refusal.contains("rate_limited") || refusal.contains("HTTP/1.1 429") {
        "\n  the server's limits were met: its --max-… options lift them, 0 each"
    } else {
        ""
    }
}

/// One load's outcome as JSON.
pub(super) fn json(name: &str, outcome: &Result<Outcome, Failed>) -> String {
    match outcome {
        Ok(outcome) => serde_json::json!({ "load": name, "outcome": outcome }),
        Err(failed) => serde_json::json!({ "load": name, "failed": failed }),
    }
    .to_string()
}
