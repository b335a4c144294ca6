//! `-- mime --ambiguous DIR`: the messages below a directory of which three libraries
//! do not see the same.

use std::{fs, io, path::Path};

use super::disagreements::{cell, collect};
use super::reading::{READERS, Reading, difference};

/// Who reads something else than we, and what.
pub fn differ(message: &[u8]) -> Option<String> {
    let [(_, ours), peers @ ..] = READERS;
    let here: Reading = ours(message);
    let mut all = String::new();
    for (peer, read) in peers {
        let there = read(message);
        if let Some((we, they)) = difference(&here, &there) {
            let (we, they) = (cell(we), cell(they));
            all.push_str(&format!("| {peer}: {they}, ours: {we} "));
        }
    }
    (!all.is_empty()).then_some(all)
}

/// The table; fails when a directory cannot be read.
pub fn report(directory: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    collect(directory, &mut files)?;
    files.sort();
    println!("| message | differences |\n|---|---|");
    let mut count = 0;
    for file in &files {
        let message = fs::read(file)?;
        if let Some(difference) = differ(&message) {
            count += 1;
            let name = file.strip_prefix(directory).unwrap_or(file).display();
            println!("| {name} {difference}|");
        }
    }
    let all = files.len();
    println!("\nOf {all} messages {count} are read in more than one way.");
    Ok(())
}
