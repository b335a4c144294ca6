//! The table for people, the objects for programs.

use serde_json::json;

use crate::measure::Line;

/// One JSON object on a line of its own.
pub fn json(line: &Line) -> String {
    let (peer_name, peer, ratio) = match line.peer {
        Some((name, figure, ratio)) => (json!(name), json!(figure), json!(ratio)),
        None => (json!(null), json!(null), json!(null)),
    };
    json!({
        "area": line.area,
        "row": line.row,
        "unit": line.unit,
        "ours": line.ours,
        "peer": peer,
        "peer_name": peer_name,
        "ratio": ratio,
        "goal": line.goal,
    })
    .to_string()
}

pub const HEAD: &str = "\
| area | row | unit | ours | peer | ratio | allocations (ours / peer) | peer is |
|---|---|---|--:|--:|--:|--:|---|";

/// One line of the table under [`HEAD`]. An item is a reply, a command, a response.
pub fn row(line: &Line) -> String {
    let (name, peer, ratio) = match line.peer {
        Some((name, figure, ratio)) => (name, number(figure), format!("{ratio:.2}")),
        None => ("", String::new(), String::new()),
    };
    let allocations = match line.allocations {
        (Some(ours), Some(peer)) => format!("{} / {}", number(ours), number(peer)),
        (Some(ours), None) => number(ours),
        _ => String::new(),
    };
    format!(
        "| {} | {} | {} | {} | {peer} | {ratio} | {allocations} | {name} |",
        line.area,
        line.row,
        line.unit,
        number(line.ours)
    )
}

/// Three digits that count, and whole numbers whole.
fn number(n: f64) -> String {
    match n.abs() {
        n if n == n.trunc() => format!("{n}"),
        n if n >= 100.0 => format!("{n:.0}"),
        n if n >= 10.0 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    }
}
