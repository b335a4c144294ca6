use super::*;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use proptest::prelude::*;

/// Events in a notation of one line each, bodies merged.
#[derive(Default)]
struct Shown {
    out: Vec<String>,
    body: Option<(u64, Vec<u8>, &'static str)>,
    depth: usize,
    next: u64,
}

impl Consumer for Shown {
    fn take(&mut self, event: &Event<'_>) {
        let depth = self.depth;
        let run = match &event {
            Event::Body(b) => Some((
                b.offset,
                b.data,
                match b.place {
                    Place::Leaf => "body",
                    Place::Preamble => "preamble",
                    Place::Epilogue => "epilogue",
                },
            )),
            Event::Delimiter(d) => Some((d.offset, d.data, "delimiter")),
            _ => None,
        };
        if let Some((offset, data, what)) = run {
            assert!(!data.is_empty());
            assert_eq!(offset, self.next, "no gap");
            self.next += data.len() as u64;
            match &mut self.body {
                Some((_, bytes, w)) if *w == what => bytes.extend_from_slice(data),
                _ => {
                    if let Some((at, bytes, what)) = self.body.take() {
                        self.out
                            .push(format!("{:depth$}{at} {what} {}", "", bytes.escape_ascii()));
                    }
                    self.body = Some((offset, data.to_vec(), what));
                }
            }
            return;
        }
        if let Some((at, bytes, what)) = self.body.take() {
            self.out
                .push(format!("{:depth$}{at} {what} {}", "", bytes.escape_ascii()));
        }
        match event {
            Event::PartStart(p) => {
                assert_eq!(p.offset, self.next);
                self.out
                    .push(format!("{:depth$}{} part in {:?}", "", p.offset, p.parent));
                self.depth += 1;
            }
            Event::Header(h) => {
                assert_eq!(h.at.offset, self.next);
                self.next += u64::from(h.at.length);
                self.out.push(format!(
                    "{:depth$}{} {:?}: {}",
                    "",
                    h.at.offset,
                    h.name().escape_ascii().to_string(),
                    h.raw.escape_ascii()
                ));
            }
            Event::BodyStart(b) => {
                assert_eq!(b.header_end, self.next);
                self.next = b.offset;
                let opaque = if b.opaque { " opaque" } else { "" };
                self.out
                    .push(format!("{:depth$}{} {:?}{opaque}", "", b.offset, b.content));
            }
            Event::PartEnd(p) => {
                self.depth -= 1;
                let depth = self.depth;
                self.out.push(format!(
                    "{:depth$}{} end {}/{}/{}",
                    "",
                    p.offset,
                    p.octets,
                    p.counted.unwrap_or_default().lines,
                    p.counted.unwrap_or_default().crlf_octets
                ));
            }
            Event::Defect(d) => self.out.push(format!("{:depth$}! {d}", "")),
            Event::End(end) => {
                let size = end.counted.unwrap_or_default();
                assert_eq!(end.octets, self.next);
                self.out.push(format!(
                    "{} over {}/{}",
                    end.octets, size.lines, size.crlf_octets
                ));
            }
            Event::Body(_) | Event::Delimiter(_) => unreachable!(),
        }
    }
}

/// All events of the reader.
pub(super) fn show(chunks: &[&[u8]], limits: &Limits) -> String {
    let mut reader = Reader::new(limits.clone());
    let mut shown = Shown::default();
    for chunk in chunks {
        let mut input = *chunk;
        while let Some(event) = reader.read(&mut input) {
            shown.take(&event);
        }
        assert!(input.is_empty());
    }
    reader.finish();
    while let Some(event) = reader.read(&mut &[][..]) {
        shown.take(&event);
    }
    assert!(reader.is_done() && shown.depth == 0);
    shown.out.join("\n")
}

/// The same of who is told at once.
fn show_told(chunks: &[&[u8]], limits: &Limits) -> String {
    let mut reader = Reader::new(limits.clone());
    let mut shown = Shown::default();
    for (n, chunk) in chunks.iter().enumerate() {
        let mut input = *chunk;
        // One may go over from the one way to the other.
        if n % 3 == 1
            && let Some(event) = reader.read(&mut input)
        {
            shown.take(&event);
        }
        reader.push(input, |event| shown.take(&event));
    }
    reader.finish();
    reader.push(&[], |event| shown.take(&event));
    assert!(reader.is_done() && shown.depth == 0);
    shown.out.join("\n")
}

use alloc::string::ToString;

fn check(text: &str, expected: &str) {
    let limits = Limits::default();
    let whole = show(&[text.as_bytes()], &limits);
    assert_eq!(
        whole, expected,
        "\n--- got\n{whole}\n--- want\n{expected}\n"
    );
    invariant(text.as_bytes(), &limits);
}

fn invariant(text: &[u8], limits: &Limits) {
    let whole = show(&[text], limits);
    let bytes: Vec<&[u8]> = text.chunks(1).collect();
    assert_eq!(show(&bytes, limits), whole);
    assert_eq!(show_told(&[text], limits), whole);
    assert_eq!(show_told(&bytes, limits), whole);
    if text.len() < 400 {
        for cut in 0..text.len() {
            let (a, b) = text.split_at(cut);
            assert_eq!(show(&[a, b], limits), whole, "cut at {cut}");
            assert_eq!(show_told(&[a, b], limits), whole, "cut at {cut}");
        }
    }
}

#[test]
fn a_simple_message() {
    check(
        "Subject: a\r\n b\r\nTo: x\r\n\r\nHello\r\nthere\r\n",
        "0 part in Root\n 0 \"Subject\": Subject: a\\r\\n b\\r\\n\n 16 \"To\": To: x\\r\\n\n 25 Leaf\n 25 body Hello\\r\\nthere\\r\\n\n39 end 14/2/14\n39 over 6/39",
    );
    check("", "0 part in Root\n 0 Leaf\n0 end 0/0/0\n0 over 0/0");
    check("\n", "0 part in Root\n 1 Leaf\n1 end 0/0/0\n1 over 1/2");
    check(
        "A: b",
        "0 part in Root\n 0 \"A\": A: b\n 4 Leaf\n4 end 0/0/0\n4 over 0/4",
    );
    check(
        "A: b\r",
        "0 part in Root\n 0 \"A\": A: b\\r\n ! bare-cr-in-header at byte 4\n 5 Leaf\n5 end 0/0/0\n5 over 0/5",
    );
    check(
        "\r",
        "0 part in Root\n ! missing-separator at byte 0\n 0 Leaf\n 0 body \\r\n1 end 1/0/1\n1 over 0/1",
    );
}

#[test]
fn a_multipart() {
    check(
        "Content-Type: multipart/mixed; boundary=b\n\npre\n--b\n\none\n\n--b \t\r\nX: y\n\ntwo\n--b--\nepi\n",
        "0 part in Root\n 0 \"Content-Type\": Content-Type: multipart/mixed; boundary=b\\n\n 43 Multipart\n 43 preamble pre\n 46 delimiter \\n--b\\n\n 51 part in Multipart\n  52 Leaf\n  52 body one\\n\n 56 end 4/1/5\n 56 delimiter \\n--b \\t\\r\\n\n 64 part in Multipart\n  64 \"X\": X: y\\n\n  70 Leaf\n  70 body two\n 73 end 3/0/3\n 73 delimiter \\n--b--\\n\n 80 epilogue epi\\n\n84 end 41/11/51\n! mixed-line-ends at byte 63\n84 over 13/96",
    );
}

#[test]
fn a_message_within_and_missing_delimiters() {
    check(
        "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nA: b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nx\r\n--b\r\n--b\r\n",
        "0 part in Root\n 0 \"Content-Type\": Content-Type: multipart/digest; boundary=b\\r\\n\n 46 Multipart\n 46 delimiter --b\\r\\n\n 51 part in Multipart\n  53 Message\n  53 part in Message\n   53 \"A\": A: b\\r\\n\n   59 \"Content-Type\": Content-Type: multipart/mixed; boundary=c\\r\\n\n   104 Multipart\n   104 delimiter --c\\r\\n\n   109 part in Multipart\n    ! missing-separator at byte 109\n    109 Leaf\n    109 body x\n   110 end 1/0/1\n   ! missing-close-delimiter at byte 110\n  110 end 6/1/6\n 110 end 57/4/57\n 110 delimiter \\r\\n--b\\r\\n\n 117 part in Multipart\n  ! missing-separator at byte 117\n  117 Message\n  117 part in Message\n   ! missing-separator at byte 117\n   117 Leaf\n  117 end 0/0/0\n 117 end 0/0/0\n 117 delimiter --b\\r\\n\n 122 part in Multipart\n  122 Message\n  122 part in Message\n   122 Leaf\n  122 end 0/0/0\n 122 end 0/0/0\n ! missing-close-delimiter at byte 122\n122 end 76/9/76\n122 over 11/122",
    );
}

#[test]
fn lines_that_are_no_fields() {
    check(
        "From me\nA : b\nno field\nC\n",
        "0 part in Root\n 0 \"\": From me\\n\n ! mbox-from at byte 0\n 8 \"A\": A : b\\n\n ! space-before-colon at byte 9\n 14 \"\": no field\\n\n ! not-a-field at byte 14\n 23 \"\": C\\n\n ! not-a-field at byte 23\n 25 Leaf\n25 end 0/0/0\n25 over 4/29",
    );
    check(
        "Just text.\nA: b\n",
        "0 part in Root\n ! missing-separator at byte 0\n 0 Leaf\n 0 body Just text.\\nA: b\\n\n16 end 16/2/18\n16 over 2/18",
    );
}

#[test]
fn white_space_before_the_first_field() {
    let text = "  \r\nA: b\r\n\r\nx";
    let shown = show(&[text.as_bytes()], &Limits::default());
    assert!(
        shown.contains("! not-a-field at byte 0\n 4 \"A\""),
        "{shown}"
    );
    assert!(shown.contains("12 body x"), "{shown}");
    invariant(text.as_bytes(), &Limits::default());
}

#[test]
fn delimiters_that_are_none() {
    check(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--bc\n-\n--\n -b\n--b--x\n--b\n--b--",
        "0 part in Root\n 0 \"Content-Type\": Content-Type: multipart/mixed; boundary=b\\n\n 43 Multipart\n 43 delimiter --b\\n\n 47 part in Multipart\n  48 Leaf\n  ! near-delimiter at byte 48\n  48 body --bc\\n-\\n--\\n -b\n 61 end 13/3/16\n ! junk-after-delimiter at byte 62\n 61 delimiter \\n--b--x\\n\n ! delimiter-after-close at byte 69\n 69 epilogue --b\\n\n ! delimiter-after-close at byte 73\n 73 epilogue --b--\n78 end 35/8/43\n78 over 10/88",
    );
}

#[test]
fn mi01_depth_and_parts_are_bounded() {
    let limits = Limits {
        depth: 2,
        parts: 4,
        ..Limits::default()
    };
    let mut deep = String::new();
    for n in 0..5 {
        deep += &format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n");
    }
    let shown = show(&[deep.as_bytes()], &limits);
    assert!(shown.contains("! too-deep"), "{shown}");
    assert_eq!(shown.matches("part in").count(), 3);
    invariant(deep.as_bytes(), &limits);

    let wide = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\n\nx\n".repeat(10)
    );
    let shown = show(&[wide.as_bytes()], &limits);
    assert!(shown.contains("! too-many-parts at byte 68"), "{shown}");
    assert_eq!(shown.matches("part in").count(), 5);
    invariant(wide.as_bytes(), &limits);

    let nested = "Content-Type: message/rfc822\n\n".repeat(10);
    let shown = show(&[nested.as_bytes()], &limits);
    assert_eq!(shown.matches("part in").count(), 3);
    invariant(nested.as_bytes(), &limits);
}

#[test]
fn mi01_depth_ten_thousand_and_a_hundred_thousand_parts() {
    let limits = Limits::default();
    let mut deep = String::new();
    for n in 0..10_000 {
        deep += &format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n");
    }
    let shown = show(&[deep.as_bytes()], &limits);
    assert_eq!(shown.matches("part in").count(), 101);
    assert_eq!(shown.matches("! too-deep").count(), 1);
    let wide = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n{}",
        "--b\n\n".repeat(100_000)
    );
    let shown = show(&[wide.as_bytes()], &limits);
    assert_eq!(shown.matches("part in").count(), 10_001);
    let nested = "Content-Type: message/rfc822\n\n".repeat(100_000);
    let shown = show(&[nested.as_bytes()], &limits);
    assert_eq!(shown.matches("part in").count(), 101);
}

#[test]
fn mi02_headers_are_bounded() {
    let limits = Limits {
        header_bytes: 3000,
        field_bytes: 1024,
        fields: 3,
        ..Limits::default()
    };
    for text in [
        format!("A: {}\r\nB: c\r\n\r\nbody", "x".repeat(1500)),
        format!("A: {}\r\n\r\nbody", "x".repeat(5000)),
        format!(
            "A: {}\r\n {}\r\n\r\nbody",
            "x".repeat(1010),
            "y".repeat(1010)
        ),
        "A: b\nC: d\nE: f\nG: h\n\nbody".into(),
        "x".repeat(5000),
        "x".repeat(1023) + "\n:",
        "x".repeat(1024) + "\r\n:",
        "x".repeat(1024) + ":",
        "x".repeat(1021) + ": y\r\n\r\n",
        format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b{}\n--b--\n",
            " ".repeat(3000)
        ),
        format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b{}\n--b--\n",
            " ".repeat(3000)
        ),
        format!(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b{}x\n--b--\n",
            " ".repeat(900)
        ),
    ] {
        invariant(text.as_bytes(), &limits);
    }
    let shown = show(
        &[format!("A: {}\r\nB: c\r\n\r\nbody", "x".repeat(1500)).as_bytes()],
        &limits,
    );
    assert!(
        shown.contains("! field-too-long at byte 0\n 1505 \"B\""),
        "{shown}"
    );
    let shown = show(
        &[format!("A: {}\r\n\r\nbody", "x".repeat(5000)).as_bytes()],
        &limits,
    );
    assert!(
        shown.contains("! header-too-long at byte 3000\n 3000 Leaf opaque"),
        "{shown}"
    );
    let shown = show(&[b"A: b\nC: d\nE: f\nG: h\n\nbody"], &limits);
    assert!(
        shown.contains("! too-many-fields at byte 15\n 15 Leaf opaque\n 15 body G: h\\n\\nbody"),
        "{shown}"
    );
}

#[test]
fn mi02_fifty_megabytes_of_header_take_little_memory() {
    let mut reader = Reader::new(Limits::default());
    let chunk = vec![b'x'; 1 << 16];
    let mut seen = 0;
    for n in 0..900 {
        let mut input = if n == 0 { &b"Subject: "[..] } else { &chunk };
        while let Some(event) = reader.read(&mut input) {
            if let Event::Body(body) = event {
                seen += body.data.len();
            }
        }
    }
    assert!(seen > 50 << 20);
    assert!(reader.engine.carry.capacity() <= 256 << 10);
}

#[test]
fn mi07_messages_within_messages_that_are_broken() {
    for text in [
        "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQUJD\n",
        "Content-Type: message/rfc822",
        "Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=\"\"\n\n--\n--\n----\n",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\n--a\nContent-Type: message/rfc822\n--a--\n",
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=a\n\n--a\n--a--\n--a--\n",
    ] {
        invariant(text.as_bytes(), &Limits::default());
    }
}

#[test]
fn mi09_two_types_are_read_one_way_and_noted() {
    let text = "Content-Type: multipart/mixed; boundary=a; boundary=b\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n--b\n--a\n\nx\n--a--\n";
    let shown = show(&[text.as_bytes()], &Limits::default());
    for defect in [
        "duplicate-parameter at byte 13",
        "duplicate-field at byte 54",
        "encoded-multipart at byte 79",
    ] {
        assert!(shown.contains(defect), "{shown}");
    }
    assert!(shown.contains("preamble --b"));
    invariant(text.as_bytes(), &Limits::default());
}

#[test]
fn sixty_four_open_boundaries_and_a_hundred_thousand_lines() {
    let mut text = String::new();
    for n in 0..64 {
        text += &format!(
            "Content-Type: multipart/mixed; boundary={}{n}\n\n--{}{n}\n",
            "a".repeat(60),
            "a".repeat(60)
        );
    }
    text.push('\n');
    for _ in 0..100_000 {
        text += "--\n";
        text += &format!("--{}\n", "a".repeat(60));
    }
    let shown = show(&[text.as_bytes()], &Limits::default());
    assert_eq!(shown.matches("part in").count(), 65);
}

/// Lines that make or break a structure.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec![
        "--a",
        "--b",
        "--a--",
        "--b--",
        "--a ",
        "--ab",
        "--a--x",
        "--",
        "-",
        "",
        "",
        " ",
        "x",
        "A: b",
        " fold",
        "Content-Type: multipart/mixed; boundary=a",
        "Content-Type: multipart/digest; boundary=b",
        "Content-Type: message/rfc822",
        "Content-Type: multipart/x;",
        " boundary=a",
        "Content-Transfer-Encoding: base64",
        "From x",
        "A :b",
        "\r",
        "no field",
    ]);
    let end = prop::sample::select(vec!["\n", "\r\n", "\r\n", "\r", ""]);
    prop::collection::vec((line, end), 0..40).prop_map(|lines| {
        lines
            .iter()
            .flat_map(|(line, end)| [line.as_bytes(), end.as_bytes()])
            .flatten()
            .copied()
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn cuts_change_nothing(text in lines(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        for limits in [
            Limits::default(),
            Limits { header_bytes: 60, fields: 2, depth: 2, parts: 4, ..Limits::default() },
        ] {
            let whole = show(&[&text], &limits);
            let bytes: Vec<&[u8]> = text.chunks(1).collect();
            prop_assert_eq!(show(&bytes, &limits), whole.clone());
            let mut at: Vec<usize> = cuts.iter().map(|c| c.index(text.len() + 1)).collect();
            at.sort_unstable();
            at.push(text.len());
            let mut start = 0;
            let mut chunks: Vec<&[u8]> = vec![];
            for end in at {
                chunks.push(&text[start..end]);
                start = end;
            }
            prop_assert_eq!(show(&chunks, &limits), whole.clone());
            prop_assert_eq!(show_told(&[&text], &limits), whole.clone());
            prop_assert_eq!(show_told(&chunks, &limits), whole);
        }
    }
}

#[test]
fn a_byte_order_mark_hides_no_field() {
    check(
        "\u{feff}Subject: x\n\ny",
        "0 part in Root\n 0 \"\": \\xef\\xbb\\xbf\n ! byte-order-mark at byte 0\n 3 \"Subject\": Subject: x\\n\n 15 Leaf\n 15 body y\n16 end 1/0/1\n16 over 2/18",
    );
    check(
        "\u{feff}",
        "0 part in Root\n 0 \"\": \\xef\\xbb\\xbf\n ! byte-order-mark at byte 0\n 3 Leaf\n3 end 0/0/0\n3 over 0/3",
    );
    // Only in front, and only whole.
    let shown = show(&["A: b\n\u{feff}C: d\n\n".as_bytes()], &Limits::default());
    assert!(shown.contains("! not-a-field at byte 5"), "{shown}");
    invariant(b"\xef\xbbA: b\n\n", &Limits::default());
    invariant(b"\xef", &Limits::default());
    invariant(
        "Content-Type: message/rfc822\n\n\u{feff}A: b\n\n".as_bytes(),
        &Limits::default(),
    );
}

#[test]
fn a_cut_behind_the_cr_of_a_line_that_is_no_delimiter() {
    for limits in [
        Limits::default(),
        Limits {
            header_bytes: 60,
            fields: 2,
            depth: 2,
            parts: 4,
            ..Limits::default()
        },
    ] {
        invariant(
            b"Content-Type: multipart/mixed; boundary=a\n\n--a\r\n--a\rA: b\n--a\n--a\n",
            &limits,
        );
    }
}

/// What is chosen where readers differ on the structure: see each kind of defect.
#[test]
fn structures_that_readers_read_differently() {
    const MIXED: &str = "Content-Type: multipart/mixed; boundary=b";
    for (text, tells) in [
        // The delimiter never comes, or the close delimiter comes first.
        (format!("{MIXED}\n\nx\n"), "! empty-multipart at byte 45"),
        (
            format!("{MIXED}\n\n--b--\nx"),
            "! empty-multipart at byte 43",
        ),
        // A boundary with white space at its end is that boundary.
        (
            "Content-Type: multipart/mixed; boundary=\"b \"\n\n--b\n\nx".into(),
            "preamble --b\\n\\nx",
        ),
        // White space behind a delimiter is none of it.
        (format!("{MIXED}\n\n--b \t \n\nx"), "delimiter --b \\t \\n"),
        // One boundary begins like another.
        (
            format!(
                "{MIXED}\n\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\nx\n--b--\n"
            ),
            "! missing-close-delimiter",
        ),
        (
            format!("{MIXED}\n\n--b\n{MIXED}\n\n--b\n\nx"),
            "! shared-boundary",
        ),
        // A CR alone ends no line, in a header nor before a delimiter.
        ("A: b\rC: d\r\rx".into(), "! bare-cr-in-header at byte 4"),
        (format!("{MIXED}\n\n--b\n\nx\r--b--"), "body x\\r--b--"),
        ("A: \0\n\n".into(), "! nul-in-header at byte 3"),
        // No empty line before the body: text, a delimiter, the end.
        ("Hello\nA: b\n".into(), "! missing-separator at byte 0"),
        (
            format!("{MIXED}\n\n--b\nA: c\n--b--\n"),
            "! missing-separator at byte 52",
        ),
        // The line is no field; the header goes on.
        ("A: b\nno field\nC: d\n\nx".into(), "\"C\": C: d"),
        ("A: b\r\n\nx\n".into(), "! mixed-line-ends at byte 6"),
    ] {
        let shown = show(&[text.as_bytes()], &Limits::default());
        assert!(shown.contains(tells), "{tells} in\n{shown}");
        invariant(text.as_bytes(), &Limits::default());
    }
    let header_only = show(&[b"A: b"], &Limits::default());
    assert!(!header_only.contains('!'), "{header_only}");
}

#[test]
fn a_name_is_any_visible_byte_but_a_colon() {
    for byte in 0..=255u8 {
        for at in 0..12 {
            let mut text = b"abcdefghijkl: x\n\n".to_vec();
            text[at] = byte;
            let reader = &mut Reader::new(Limits::default());
            let mut input = &text[..];
            let mut name = None;
            while let Some(event) = reader.read(&mut input) {
                if let Event::Header(field) = event {
                    name.get_or_insert(field.name().to_vec());
                }
            }
            let wanted = match byte {
                b':' if at == 0 => vec![],
                b':' => text[..at].to_vec(),
                b' ' | b'\t' if at == 11 => text[..11].to_vec(),
                b'!'..=b'~' => text[..12].to_vec(),
                b'\n' if at == 0 => continue,
                _ => vec![],
            };
            assert_eq!(name.unwrap_or_default(), wanted, "{byte} at {at}");
        }
    }
}

#[test]
fn odd_bytes_are_found_in_each_field_wherever_they_are() {
    for (odd, kind) in [("\0", "nul-in-header"), ("\r", "bare-cr-in-header")] {
        for at in [
            0, 10, 500, 1000, 1010, 1019, 1020, 1021, 1022, 1023, 1024, 1030, 2000, 3000,
        ] {
            let mut text = String::from("A: ");
            while text.len() < at {
                text += &"x".repeat((at - text.len()).min(97));
                text += "\r\nB: ";
            }
            let offset = text.len();
            text += odd;
            text += "y\r\nC: d\r\n\r\n";
            let shown = show(&[text.as_bytes()], &Limits::default());
            assert!(
                shown.contains(&format!("! {kind} at byte {offset}")),
                "{at}: {shown}"
            );
            assert_eq!(shown.matches('!').count(), 1, "{shown}");
            assert_eq!(
                show(
                    &text.as_bytes().chunks(700).collect::<Vec<_>>(),
                    &Limits::default()
                ),
                shown
            );
        }
    }
}

/// However it is cut, and whatever limit is near.
#[test]
fn an_empty_line_with_a_cr_too_many() {
    let message = b"A: b\r\r\n\r\r\ntext\r\r\n";
    let read = |limits: &Limits, mode, cuts: &[usize]| {
        let mut reader = Reader::new(limits.clone()).mode(mode);
        let (mut told, mut at) = (Vec::new(), 0);
        for end in cuts.iter().copied().chain([message.len()]) {
            let mut input = &message[at..end];
            while let Some(event) = reader.read(&mut input) {
                match event {
                    Event::Body(body) => told.extend(body.data.iter().map(|b| format!("{b}"))),
                    event => told.push(format!("{event:?}")),
                }
            }
            at = end;
        }
        reader.finish();
        while let Some(event) = reader.read(&mut &[][..]) {
            told.push(format!("{event:?}"));
        }
        told
    };
    for mode in [Mode::Recurse, Mode::Exact] {
        for (header_bytes, fields) in (0..20).map(|n| (n, 9)).chain([(99, 0), (99, 1), (99, 2)]) {
            let limits = Limits {
                header_bytes,
                fields,
                ..Limits::default()
            };
            let whole = read(&limits, mode, &[]);
            for a in 0..=message.len() {
                for b in a..=message.len() {
                    assert_eq!(
                        read(&limits, mode, &[a, b]),
                        whole,
                        "{header_bytes} {fields} {a} {b}"
                    );
                }
            }
        }
    }
}

/// The end of a header that is whole in the input is found in another way than that of one
/// that comes in pieces.
#[test]
fn limits_end_a_header_at_one_place() {
    let message = b"A: b\r\nX-A-Name-That-Is-Long : c\r\n d\nContent-ID: <e>\r\n\r\ntext\r\n";
    for message in [&message[..], &message[..message.len() - 8]] {
        for (header_bytes, fields) in (0..70).flat_map(|n| (0..5).map(move |f| (n, f))) {
            let limits = Limits {
                header_bytes,
                fields,
                ..Limits::default()
            };
            let mut indexer = crate::Indexer::new(limits.clone());
            message.chunks(1).for_each(|byte| indexer.write(byte));
            let whole = crate::Index::of(message, &limits);
            assert_eq!(indexer.finish(), whole, "{header_bytes} {fields}");
        }
    }
}

/// A field that waits for the rest of it, or is cut twice, or is too long for that.
#[test]
fn fields_are_the_same_wherever_they_are_cut() {
    let events = |chunks: &[&[u8]], limits: &Limits, mode: Mode| {
        let mut reader = Reader::new(limits.clone()).mode(mode);
        let mut out = Vec::new();
        let mut take = |event: Event<'_>| match event {
            Event::Body(_) | Event::Delimiter(_) => {}
            other => out.push(alloc::format!("{other:?}")),
        };
        chunks
            .iter()
            .for_each(|chunk| reader.push(chunk, &mut take));
        reader.finish();
        reader.push(&[], &mut take);
        out
    };
    let mut text = b"Subject: a\r\nX-Odd : \xe9\r\n".to_vec();
    for length in [1000, 1023, 1024, 1025, 2300] {
        text.extend_from_slice(b"X: \0");
        text.resize(text.len() + length - 200, b'x');
        text.extend_from_slice(b"\r\n ");
        text.resize(text.len() + 190, b'y');
        text.extend_from_slice(if length == 1024 { b"\n" } else { b"\r\n" });
    }
    text.extend_from_slice(b"Subject: b\r\n\r\nbody\r\n");
    for mode in [Mode::Recurse, Mode::Exact] {
        for (field_bytes, header_bytes, fields) in
            [(1 << 20, 1 << 20, 99), (1030, 1 << 20, 5), (2000, 3100, 99)]
        {
            let limits = Limits {
                field_bytes,
                header_bytes,
                fields,
                ..Limits::default()
            };
            let whole = events(&[&text], &limits, mode);
            for cut in (0..text.len()).step_by(41) {
                let (a, rest) = text.split_at(cut);
                for length in [0, 1, 3, 200, 1024, 1025, 1500] {
                    let (b, c) = rest.split_at(length.min(rest.len()));
                    let found = events(&[a, b, c], &limits, mode);
                    assert_eq!(found, whole, "{mode:?}, {cut} and {length}");
                }
            }
        }
    }
}
