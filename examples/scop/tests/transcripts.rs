//! Sessions with the built program, as a person would have them: `transcripts/*.txt`.
//!
//! ```text
//! # a remark
//! $ scop mime --strict twice.eml        a command; `< FILE` is its standard input
//! what it says on standard output
//! ! what it says on standard error
//! = 1                                   its exit code, where it is not 0
//! $ ls DIR                              the names of the files in a folder, in order
//! $ cat FILE                            what is in one; CR is shown as \r
//! ```
//!
//! Each runs in a folder of its own that has the other files of `transcripts/` in it.
//! `UPDATE_TRANSCRIPTS=1 cargo test` writes down how they go now: look at the difference.

mod common;

use std::{fs, path::Path};

use common::{code, folder, scop};

fn play(name: &str) {
    let here = folder(&format!("transcript-{name}"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts");
    for file in fs::read_dir(&source).unwrap() {
        let file = file.unwrap();
        if file.path().extension() != Some("txt".as_ref()) {
            fs::copy(file.path(), here.join(file.file_name())).unwrap();
        }
    }
    let transcript = fs::read_to_string(source.join(format!("{name}.txt"))).unwrap();
    let mut played = String::new();
    for line in transcript.lines() {
        if line.starts_with('#') {
            played += &format!("{line}\n");
        } else if let Some(command) = line.strip_prefix("$ ") {
            played += &format!("{line}\n{}", run(&here, command));
        }
    }
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        fs::write(source.join(format!("{name}.txt")), &played).unwrap();
    }
    // Remarks stand where they did: before commands.
    let of = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    };
    assert!(
        of(&transcript) == of(&played),
        "{name} goes like this now (UPDATE_TRANSCRIPTS=1 writes it down):\n{played}"
    );
}

fn run(here: &Path, command: &str) -> String {
    let (command, input) = match command.split_once(" < ") {
        Some((command, file)) => (command, fs::read(here.join(file)).unwrap()),
        None => (command, Vec::new()),
    };
    let words: Vec<&str> = command.split(' ').collect();
    match words[..] {
        ["ls", folder] => {
            let files = fs::read_dir(here.join(folder)).unwrap();
            let mut names: Vec<_> = files.map(|f| f.unwrap().file_name()).collect();
            names.sort();
            let names = names.iter().map(|n| format!("{}\n", n.to_str().unwrap()));
            names.collect()
        }
        ["cat", file] => shown("", &fs::read(here.join(file)).unwrap()),
        ["scop", ..] => {
            let output = scop(here, &words[1..], &input);
            let code = match code(&output) {
                0 => String::new(),
                code => format!("= {code}\n"),
            };
            shown("", &output.stdout) + &shown("! ", &output.stderr) + &code
        }
        _ => panic!("there is no {command:?} here"),
    }
}

fn shown(before: &str, output: &[u8]) -> String {
    // A part may be in any charset.
    let output = String::from_utf8_lossy(output);
    let lines = output.split_terminator('\n');
    lines
        .map(|line| format!("{before}{}\n", line.replace('\r', "\\r")))
        .collect()
}

#[test]
fn mime_shows_what_is_in_a_message() {
    play("show");
}

#[test]
fn mime_says_what_is_read_differently_and_mends_it() {
    play("strict");
}

#[test]
fn mime_writes_attachments_under_safe_names() {
    play("extract");
}

#[test]
fn mime_takes_each_message_of_an_mbox() {
    play("mbox");
}
