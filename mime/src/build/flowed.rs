//! Text whose paragraphs a reader may flow anew (RFC 3676 section 4).

use alloc::string::String;

/// Lines are broken behind the last space within so many characters (RFC 3676 4.2).
const WIDTH: usize = 72;

/// Each line of `text` is a paragraph: it is cut into lines that end in a space, but the
/// last one. A line that would begin as a quote, as a stuffed line or as an mbox
/// separator gets a space in front (4.4). Spaces at the end of a paragraph go, but those
/// of `-- `, which stands before a signature (4.3).
pub(super) fn flow(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32 + 2);
    for paragraph in text.lines() {
        if paragraph == "-- " {
            out.push_str("-- \r\n");
            continue;
        }
        let mut rest = paragraph.trim_end_matches(' ');
        loop {
            let (line, behind) = rest.split_at(cut(rest));
            if line.starts_with([' ', '>']) || line.starts_with("From ") {
                out.push(' ');
            }
            out.push_str(line);
            out.push_str("\r\n");
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
    }
    out
}

/// Where the first line ends: behind a space, or at the end of all.
fn cut(text: &str) -> usize {
    let (mut best, mut width) = (None, 0);
    for (at, c) in text.char_indices() {
        width += 1;
        if width > WIDTH && best.is_some() {
            break;
        }
        let end = at + c.len_utf8();
        // What would be read as the line before a signature is no line.
        if c == ' ' && end < text.len() && text.get(..end) != Some("-- ") {
            best = Some(end);
        }
    }
    match best {
        Some(end) if text.chars().nth(WIDTH).is_some() => end,
        _ => text.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    /// As RFC 3676 4.5 says to read it, without quotes.
    fn unflow(text: &str) -> String {
        let mut out = String::new();
        for line in text.split_inclusive("\r\n") {
            let line = line.strip_suffix("\r\n").unwrap_or(line);
            let line = line.strip_prefix(' ').unwrap_or(line);
            out.push_str(line);
            if !line.ends_with(' ') || line == "-- " {
                out.push('\n');
            }
        }
        out
    }

    #[test]
    fn rfc3676_4() {
        let word = "word ".repeat(20);
        let first = "word ".repeat(14);
        let rest = "word ".repeat(6);
        let rest = rest.trim_end();
        assert_eq!(flow(&word), format!("{first}\r\n{rest}\r\n"));
        assert_eq!(
            flow("> no quote\n indented\nFrom me \n-- \nAnn"),
            " > no quote\r\n  indented\r\n From me\r\n-- \r\nAnn\r\n"
        );
        let long = "x".repeat(200);
        assert_eq!(flow(&long), format!("{long}\r\n"));
        assert_eq!(flow(""), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn a_reader_flows_it_back(text in "([a-z>é]{1,90}| {1,3}|-- |From |\n){0,40}") {
            let flowed = flow(&text);
            let wanted: String = text
                .lines()
                .map(|l| format!("{}\n", if l == "-- " { l } else { l.trim_end_matches(' ') }))
                .collect();
            prop_assert_eq!(unflow(&flowed), wanted, "{}", flowed);
        }
    }
}
