//! SMTP command lines: what was read and written again reads as the same and is
//! one line; an error points into the line and has a code to answer with.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, within};
use scop_smtp_proto::Command;

fuzz_target!(|data: &[u8]| {
    for line in data.split(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        within(heap_for(line.len()), || match Command::parse(line) {
            Ok(command) => {
                let mut written = Vec::new();
                command.encode(&mut written);
                let content = written.strip_suffix(b"\r\n").expect("a line");
                assert!(
                    !content.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)),
                    "{command:?} was written as {}",
                    written.escape_ascii()
                );
                let again = Command::parse(content);
                assert_eq!(
                    again.as_ref(),
                    Ok(&command),
                    "written as {}",
                    written.escape_ascii()
                );
            }
            Err(error) => {
                assert!(error.offset <= line.len(), "{error:?}");
                assert!(
                    matches!(error.code(), 500..=555) && error.enhanced().starts_with("5."),
                    "{error:?}"
                );
            }
        });
    }
});
