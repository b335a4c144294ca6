//! `cargo run --release -- [AREA..] [--row TEXT] [--json] [--check]`: scop beside other
//! libraries, on the same bytes, in one run. See `README.md` beside this crate.

// Not every area needs all that measures.
#![cfg_attr(
    not(all(
        feature = "smtp",
        feature = "imap",
        feature = "machines",
        feature = "mime",
        feature = "auth"
    )),
    allow(dead_code)
)]

#[cfg(feature = "auth")]
mod auth;
#[cfg(feature = "imap")]
mod imap;
#[cfg(feature = "machines")]
mod machines;
mod measure;
mod memory;
#[cfg(feature = "mime")]
mod mime;
mod report;
#[cfg(feature = "smtp")]
mod smtp;

use std::process::ExitCode;

use measure::Row;

type Area = (&'static str, fn() -> Vec<Row>);

const AREAS: &[Area] = &[
    #[cfg(feature = "smtp")]
    ("smtp", smtp::rows),
    #[cfg(feature = "imap")]
    ("imap", imap::rows),
    #[cfg(feature = "machines")]
    ("machines", machines::rows),
    #[cfg(feature = "mime")]
    ("mime", mime::rows),
    #[cfg(feature = "auth")]
    ("auth", auth::rows),
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
            #[cfg(feature = "mime")]
            "--disagreements" | "--ambiguous" => {
                let directory = arguments.next().unwrap_or_default();
                let report = match argument.as_str() {
                    "--ambiguous" => mime::ambiguous::report,
                    _ => mime::disagreements::report,
                };
                return match report(directory.as_ref()) {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(error) => {
                        eprintln!("{directory}: {error}");
                        ExitCode::FAILURE
                    }
                };
            }
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
    let mut status = ExitCode::SUCCESS;
    for (area, rows) in AREAS {
        if !chosen.is_empty() && !chosen.iter().any(|c| c == area) {
            continue;
        }
        let chosen = rows()
            .into_iter()
            .filter(|row| row.name().contains(&wanted));
        for row in chosen {
            let lines = match row.run(check) {
                Ok(lines) => lines,
                Err(difference) => {
                    eprintln!("{difference}");
                    status = ExitCode::FAILURE;
                    continue;
                }
            };
            for line in lines {
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
    }
    status
}
