//! Mailboxes in one file (RFC 4155).

use proptest::prelude::*;
use scop_mime::DateTime;
use scop_mime::mbox::{Mbox, MboxError, MboxEvent, MboxReader, Quoting, append};

const DATED: &str = "From a@b.test Sat Jan  3 01:05:34 1996";

/// Separators and messages, read as a stream.
fn stream<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    quoting: Quoting,
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut reader = MboxReader::new(quoting);
    let mut out: Vec<(Vec<u8>, Vec<u8>)> = vec![];
    let mut open = false;
    let mut drive = |reader: &mut MboxReader, input: &mut &[u8]| {
        while let Some(event) = reader.read(input) {
            match event {
                MboxEvent::Start(separator) => {
                    assert!(!open);
                    open = true;
                    out.push((separator.to_vec(), vec![]));
                }
                MboxEvent::Data(data) => {
                    assert!(open && !data.is_empty());
                    out.last_mut().unwrap().1.extend_from_slice(data);
                }
                MboxEvent::End => {
                    assert!(open);
                    open = false;
                }
            }
        }
    };
    for mut chunk in chunks {
        drive(&mut reader, &mut chunk);
        assert!(chunk.is_empty());
    }
    reader.finish();
    drive(&mut reader, &mut &[][..]);
    assert!(!open);
    out
}

fn whole(file: &[u8], quoting: Quoting) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut next = 0;
    Mbox::new(file, quoting)
        .map(|entry| {
            assert!(
                entry.offset >= next && file[entry.offset as usize..].starts_with(entry.separator)
            );
            next = entry.offset + (entry.separator.len() + entry.raw.len()) as u64;
            assert!(next <= file.len() as u64);
            (entry.separator.to_vec(), entry.message().into_owned())
        })
        .collect()
}

#[track_caller]
fn check(file: &str, quoting: Quoting, messages: &[&str]) {
    let read = whole(file.as_bytes(), quoting);
    let texts: Vec<_> = read
        .iter()
        .map(|m| String::from_utf8_lossy(&m.1).into_owned())
        .collect();
    assert_eq!(texts, messages);
    for size in 1..=file.len() {
        assert_eq!(
            stream(file.as_bytes().chunks(size), quoting),
            read,
            "{size}"
        );
    }
}

#[test]
fn messages_are_told_apart_and_unquoted() {
    let file =
        format!("{DATED}\nA: b\n\n>From x\n>>From y\n> From z\n\n{DATED}\nC: d\n\nFrom here\nx\n");
    let (rd, o) = (
        "A: b\n\nFrom x\n>From y\n> From z\n",
        "A: b\n\nFrom x\n>>From y\n> From z\n",
    );
    // With quotes every such line is a separator, with or without an empty line before it.
    check(&file, Quoting::Mboxrd, &[rd, "C: d\n", "x\n"]);
    check(&file, Quoting::Mboxo, &[o, "C: d\n", "x\n"]);
    let plain = "A: b\n\n>From x\n>>From y\n> From z\n";
    check(&file, Quoting::None, &[plain, "C: d\n\nFrom here\nx\n"]);
}

#[test]
fn without_quotes_a_separator_has_a_time_and_an_empty_line_before_it() {
    let file = format!("{DATED}\nA: b\n\nx\n{DATED}\n\nFrom me at noon\n\n{DATED}\nC: d\n\n");
    let first = format!("A: b\n\nx\n{DATED}\n\nFrom me at noon\n");
    check(&file, Quoting::None, &[&first, "C: d\n"]);
}

#[test]
fn what_is_no_mbox_is_one_message() {
    check("", Quoting::Mboxrd, &[]);
    check("Subject: x\n\ny\n", Quoting::Mboxrd, &["Subject: x\n\ny\n"]);
    check("From ", Quoting::Mboxrd, &[""]);
    check("From x\nFrom y\n", Quoting::Mboxrd, &["", ""]);
    check(
        &format!("junk\n\n{DATED}\nx"),
        Quoting::Mboxrd,
        &["junk\n", "x"],
    );
    check(
        &format!("{DATED}\r\nA: b\r\n\r\n>From c\r\n\r\n{DATED}\r\n\r\n\r\n"),
        Quoting::Mboxrd,
        &["A: b\r\n\r\nFrom c\r\n", "\r\n"],
    );
    let long = format!("From {}\nA: b\n\n", "x".repeat(3000));
    assert_eq!(
        stream(long.as_bytes().chunks(7), Quoting::Mboxrd)[0].1,
        b"A: b\n"
    );
}

#[test]
fn a_content_length_says_nothing() {
    let file = format!("{DATED}\nContent-Length: 1000\n\nx\n\n{DATED}\n\ny\n\n");
    check(
        &file,
        Quoting::Mboxrd,
        &["Content-Length: 1000\n\nx\n", "\ny\n"],
    );
}

#[test]
fn what_would_break_the_file_is_not_written() {
    let now = DateTime::from_unix(0, 0).unwrap();
    let mut out = b"before".to_vec();
    for (sender, at) in [("a b", 1), ("a\n", 1), ("\0", 0)] {
        let refused = append(&mut out, sender, &now, b"", Quoting::Mboxrd);
        assert_eq!(refused, Err(MboxError::Sender { at }));
    }
    let text = format!("A: b\n\n{DATED}\n");
    let refused = append(&mut out, "", &now, text.as_bytes(), Quoting::None);
    assert_eq!(refused, Err(MboxError::Separator { at: 6 }));
    assert_eq!(out, b"before");
    append(
        &mut out,
        "",
        &DateTime::from_unix(86_400 * 11, 120).unwrap(),
        b"",
        Quoting::None,
    )
    .unwrap();
    assert_eq!(
        out,
        b"beforeFrom MAILER-DAEMON Mon Jan 12 00:00:00 1970\n\n"
    );
}

/// Lines that matter.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        "From ", "From x", DATED, ">From ", ">>From x", ">", "F", "From", "", "", "\r", "x",
    ]);
    let end = prop::sample::select(vec!["\n", "\n", "\r\n", ""]);
    prop::collection::vec((line, end), 0..16).prop_map(|lines| {
        lines
            .iter()
            .map(|(l, e)| format!("{l}{e}"))
            .collect::<String>()
            .into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn the_stream_reads_what_the_iterator_reads(file in text(), size in 1usize..9) {
        for quoting in [Quoting::Mboxrd, Quoting::Mboxo, Quoting::None] {
            let read = whole(&file, quoting);
            prop_assert_eq!(stream([&file[..]], quoting), read.clone());
            prop_assert_eq!(stream(file.chunks(size), quoting), read);
        }
    }

    #[test]
    fn what_is_written_is_read(messages in prop::collection::vec(text(), 0..5)) {
        let now = DateTime::from_unix(820_631_134, 0).unwrap();
        let mut file = vec![];
        for message in &messages {
            append(&mut file, "a@b.test", &now, message, Quoting::Mboxrd).unwrap();
        }
        let read: Vec<_> = whole(&file, Quoting::Mboxrd).into_iter().map(|m| m.1).collect();
        let written: Vec<_> = messages
            .iter()
            .map(|m| match m.last() {
                None | Some(b'\n') => m.clone(),
                Some(_) => [&m[..], b"\n"].concat(),
            })
            .collect();
        prop_assert_eq!(read, written);
    }
}
