//! `cargo run --release -- [AREA..] [--row TEXT] [--json] [--check]`: scop beside other
//! libraries, on the same bytes, in one run. See `README.md` beside this crate.

mod imap;
mod machines;
mod measure;
mod memory;
mod report;
mod smtp;

use std::process::ExitCode;

use measure::Row;

type Area = (&'static str, fn() -> Vec<Row>);

const AREAS: &[Area] = &[
    ("smtp", smtp::rows),
    ("imap", imap::rows),
    ("machines", machines::rows),
];

fn main() -> ExitCode {
    let (mut json, mut check, mut chosen) = (false, false, Vec::new());
    let mut wanted = String::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--row" => wanted = arguments.next().unwrap_or_default(),
            "--json" => json = true,
            "--check" => check = true,
            name if AREAS.iter().any(|(area, _)| *area == name) => chosen.push(argument),
            other => {
                let areas: Vec<_> = AREAS.iter().map(|(area, _)| *area).collect();
                eprintln!(
                    "{other}: not an area ({}), --row TEXT, --json or --check",
                    areas.join(", ")
                );
                return ExitCode::from(64);
            }
        }
    }
    if !json && !check {
        println!("{}", report::HEAD);
    }
    for (area, rows) in AREAS {
        if !chosen.is_empty() && !chosen.iter().any(|c| c == area) {
            continue;
        }
        let chosen = rows()
            .into_iter()
            .filter(|row| row.name().contains(&wanted));
        for line in chosen.flat_map(|row| row.run(check)) {
            if check {
                let with = line.peer.map_or("alone", |(name, ..)| name);
                println!("{area}: {} is the same work ({with})", line.row);
            } else if json {
                println!("{}", report::json(&line));
            } else {
                println!("{}", report::row(&line));
            }
        }
    }
    ExitCode::SUCCESS
}
