//! `-- mime --disagreements DIR`: each message below a directory in which a peer
//! reads something else than we do, and the first thing in which it does.
//! `mime-disagreements.md` says for each who is right.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use super::{mail_parser, mailparse, ours};
use crate::measure::Tally;

type Side = Box<dyn Fn(&[u8], &mut Tally)>;

/// Prints them as a table; fails when the directory cannot be read.
pub fn report(directory: &Path) -> std::io::Result<()> {
    let mut files = Vec::new();
    collect(directory, &mut files)?;
    files.sort();
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    println!(
        "| message | work | peer | peer reads | we read | our defects |\n|---|---|---|---|---|---|"
    );
    for file in &files {
        let message = fs::read(file)?;
        let mut other_tree = Vec::new();
        for (work, ours, peers) in works() {
            let here = run(&ours, &message);
            for (peer, theirs) in peers {
                let there = run(&theirs, &message);
                // Where parts differ, so do their bodies.
                let again = work == "bodies" && other_tree.contains(&peer);
                if again || here.is_same(&there) {
                    continue;
                }
                if work == "index" {
                    other_tree.push(peer);
                }
                *counts.entry((work, peer)).or_default() += 1;
                let name = file.strip_prefix(directory).unwrap_or(file).display();
                let (we, they) = here.difference(&there);
                let (we, they) = (cell(we), cell(they));
                let said = defects(&message);
                println!("| {name} | {work} | {peer} | {they} | {we} | {said} |");
            }
        }
    }
    println!("\nOf {} messages:", files.len());
    for ((work, peer), count) in counts {
        println!("- {work}: {peer} reads {count} differently");
    }
    Ok(())
}

type Work = (&'static str, Side, Vec<(&'static str, Side)>);

fn works() -> [Work; 3] {
    let parser = mail_parser::parser;
    [
        (
            "index",
            Box::new(ours::index),
            vec![
                (
                    "mail-parser",
                    Box::new(move |m, t| mail_parser::index(&parser(), m, t)),
                ),
                ("mailparse", Box::new(mailparse::index)),
            ],
        ),
        (
            "four headers",
            Box::new(ours::four),
            vec![
                (
                    "mail-parser",
                    Box::new(move |m, t| mail_parser::four(&parser(), m, t)),
                ),
                ("mailparse", Box::new(mailparse::four)),
            ],
        ),
        (
            "bodies",
            Box::new(ours::bodies),
            vec![
                (
                    "mail-parser",
                    Box::new(move |m, t| mail_parser::bodies(&parser(), m, t)),
                ),
                ("mailparse", Box::new(mailparse::bodies)),
            ],
        ),
    ]
}

fn run(side: &Side, message: &[u8]) -> Tally {
    let mut tally = Tally::new(true);
    let panicked = catch_unwind(AssertUnwindSafe(|| side(message, &mut tally))).is_err();
    if panicked {
        tally.bytes(b"(a panic)");
    }
    tally
}

/// What we say of a message, each kind once.
fn defects(message: &[u8]) -> String {
    let defects = scop_mime::Message::parse(message).inspect();
    let mut kinds: Vec<&str> = defects.iter().map(|d| d.kind.as_str()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.join(", ")
}

/// A message is a file that is none of what our corpus has beside them.
pub fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let beside = [".xml", ".tsv", ".md", ".txt.part", ".bin"];
        if path.is_dir() {
            collect(&path, files)?;
        } else if !beside.iter().any(|end| name.ends_with(end)) && !name.contains("_decoded") {
            files.push(path);
        }
    }
    Ok(())
}

pub fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
