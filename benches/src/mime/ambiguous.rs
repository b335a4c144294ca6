//! `-- mime --ambiguous DIR`: what three libraries see in each message below a
//! directory, as it is and after it was sanitised. What is left of differences
//! after that is a fault: of ours, or of a peer, and then it is said which.

use std::{fs, io, path::Path};

use scop_mime::Limits;

use super::disagreements::{cell, collect};
use super::reading::{READERS, Reading, difference};

/// How many messages the libraries read in more than one way.
pub struct Counts {
    pub messages: usize,
    pub as_they_come: usize,
    pub sanitised: usize,
}

/// Reads all of them; `line` is told of each difference that is left.
pub fn compare(directory: &Path, mut line: impl FnMut(&str, &str, bool)) -> io::Result<Counts> {
    let mut files = Vec::new();
    collect(directory, &mut files)?;
    files.sort();
    let mut counts = Counts {
        messages: files.len(),
        as_they_come: 0,
        sanitised: 0,
    };
    for file in &files {
        let message = fs::read(file)?;
        let name = file.strip_prefix(directory).unwrap_or(file).display();
        let name = name.to_string();
        if let Some(difference) = differ(&message) {
            counts.as_they_come += 1;
            line(&name, &difference, false);
        }
        let (sanitised, _) = scop_mime::sanitise(&message, &Limits::default());
        if let Some(difference) = differ(&sanitised) {
            counts.sanitised += 1;
            line(&name, &difference, true);
        }
    }
    Ok(counts)
}

/// Who reads something else than we, and what.
fn differ(message: &[u8]) -> Option<String> {
    let [(_, ours), peers @ ..] = READERS;
    let here: Reading = ours(message);
    let mut all = String::new();
    for (peer, read) in peers {
        let there = read(message);
        if let Some((we, they)) = difference(&here, &there) {
            let they = cell(they);
            let we = cell(we);
            all.push_str(&format!("| {peer}: {they}, ours: {we} "));
        }
    }
    (!all.is_empty()).then_some(all)
}

/// The table; fails when a directory cannot be read.
pub fn report(directory: &Path) -> io::Result<()> {
    println!("| message | sanitised | differences |\n|---|---|---|");
    let counts = compare(directory, |name, difference, sanitised| {
        let when = if sanitised { "yes" } else { "no" };
        println!("| {name} | {when} {difference}|");
    })?;
    println!(
        "\nOf {} messages {} are read in more than one way, {} after they were sanitised.",
        counts.messages, counts.as_they_come, counts.sanitised
    );
    Ok(())
}
