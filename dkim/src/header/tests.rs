use super::*;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec;
use proptest::prelude::*;

fn split(text: &[u8], chunk: usize) -> (Arc<Header>, Vec<u8>) {
    let mut splitter = Splitter::new(Limits::default());
    let mut body = None;
    for part in text.chunks(chunk) {
        match &mut body {
            Some(body) => Vec::extend_from_slice(body, part),
            None => body = splitter.write(part).unwrap().map(|n| part[n..].to_vec()),
        }
    }
    (splitter.finish().unwrap(), body.unwrap_or_default())
}

fn fields(header: &Header) -> Vec<String> {
    (0..header.fields.len())
        .map(|i| String::from_utf8_lossy(header.field(i)).into_owned())
        .collect()
}

#[test]
fn fields_are_exact_at_any_chunking() {
    let text = b"A: 1\r\nB : 2\r\n\t3\r\n \r\nno colon\r\na:4\n5\r\n\r\nbody\r\n\r\n";
    for chunk in 1..text.len() {
        let (header, body) = split(text, chunk);
        assert_eq!(
            fields(&header),
            ["A: 1", "B : 2\r\n\t3\r\n ", "no colon", "a:4\n5"]
        );
        assert!(header.named(b"a").eq([0, 3]));
        assert!(header.named(b"b").eq([1]));
        assert_eq!(header.value(1), b" 2\r\n\t3\r\n ");
        assert_eq!(body, b"body\r\n\r\n");
    }
}

#[test]
fn names_that_start_alike_are_told_apart() {
    let text = b"List-Unsubscribe-Post: 1\r\nlist-unsubscribe: 2\r\nList-Unsubscribes: 3\r\n\
        LIST-UNSUBSCRIBE: 4\r\nList-Uns: 5\r\nList-Un: 6\r\nlist-uns: 7\r\n\r\n";
    let (header, _) = split(text, 9);
    assert!(header.named(b"List-Unsubscribe").eq([1, 3]));
    assert!(header.named(b"list-unsubscribe-post").eq([0]));
    assert!(header.named(b"list-unsubscribes").eq([2]));
    assert!(header.named(b"list-uns").eq([4, 6]));
    assert!(header.named(b"list-un").eq([5]));
    for absent in [
        &b"list-unsubscrib"[..],
        b"list-u",
        b"a",
        b"z",
        b"list-unsubscribe-posts",
    ] {
        assert_eq!(header.named(absent).len(), 0);
    }
}

#[test]
fn headers_that_end_early() {
    let (header, body) = split(b"\r\nbody", 3);
    assert_eq!((header.fields.len(), &body[..]), (0, &b"body"[..]));
    let (header, body) = split(b"A: 1\r\nB: 2", 4);
    assert_eq!(fields(&header), ["A: 1", "B: 2"]);
    assert!(body.is_empty());
}

/// Found by the fuzz target `dkim_arc`.
#[cfg(feature = "arc")]
#[test]
fn what_stands_above_is_no_end_of_a_field_without_crlf() {
    use crate::canon::{Canonicalization, HeaderCanon};
    let (header, _) = split(b"X\r\nFrom: Ants:  a", 7);
    let header = header.below("DKIM-Signature: a; b\r\n").unwrap();
    let mut canon = HeaderCanon::new(Canonicalization::Relaxed);
    (0..header.len()).for_each(|field| canon.line(header.field_within(field)));
    let text = "x:\r\nfrom:Ants: a\r\ndkim-signature:a; b\r\n";
    assert_eq!(
        canon.bytes().escape_ascii().to_string(),
        text.as_bytes().escape_ascii().to_string()
    );
    assert_eq!(header.field(1), b"From: Ants:  a");
}

#[test]
fn limits_hold() {
    let limits = Limits {
        header_bytes: 100,
        field_bytes: 20,
        fields: 3,
        ..Limits::default()
    };
    let run = |text: &[u8], limits: &Limits| {
        let whole = Splitter::new(limits.clone()).write(text).unwrap_err();
        let mut splitter = Splitter::new(limits.clone());
        let mut bytes = text.chunks(1).map(|byte| splitter.write(byte));
        assert_eq!(bytes.find_map(Result::err), Some(whole));
        whole
    };
    let many = Limits {
        fields: 100,
        ..limits.clone()
    };
    assert_eq!(
        run(&b"A: 1\r\n".repeat(17), &many),
        LimitExceeded::Header(100)
    );
    let field = b"A: 1\r\n 3456789012345678\r\nB";
    assert_eq!(run(field, &limits), LimitExceeded::Field(20));
    // One that never ends is not waited for.
    assert_eq!(run(&[b'a'; 101], &limits), LimitExceeded::Field(20));
    let fields = b"A:\r\nB:\r\nC:\r\nD:\r\n";
    assert_eq!(run(fields, &limits), LimitExceeded::Fields(3));
}

/// RFC 6376 2.8 and 3.4 on a whole message, written for clarity: the fields, and
/// the body.
fn model(text: &[u8]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = memchr::memmem::find(rest, b"\r\n").map_or(rest.len(), |n| n + 2);
        let (line, after) = rest.split_at(end);
        rest = after;
        match fields.last_mut() {
            _ if line == b"\r\n" => break,
            Some(field) if matches!(line[0], b' ' | b'\t') => field.extend_from_slice(line),
            _ => fields.push(line.to_vec()),
        }
    }
    (fields, rest.to_vec())
}

/// The same of one field, written for clarity.
fn looks_like_from(field: &[u8]) -> bool {
    let reads_as_from = |text: &[u8]| {
        let visible = text.iter().filter(|b| b.is_ascii_graphic());
        let visible: Vec<u8> = visible.map(u8::to_ascii_lowercase).collect();
        visible.starts_with(b"from:")
    };
    let is_exact = field.len() >= 5 && field[..5].eq_ignore_ascii_case(b"from:");
    let is_bare = |at: &usize| match field[*at] {
        b'\r' => field.get(at + 1) != Some(&b'\n'),
        b'\n' => *at == 0 || field[at - 1] != b'\r',
        _ => false,
    };
    let is_folded = |at: &usize| matches!(field.get(at + 1), Some(b' ' | b'\t'));
    let breaks = (0..field.len()).filter(|at| is_bare(at) && !is_folded(at));
    let mut ends: Vec<usize> = breaks.collect();
    ends.push(field.len());
    let mut hidden = ends.windows(2).map(|two| &field[two[0] + 1..two[1]]);
    !is_exact && reads_as_from(field) || hidden.any(reads_as_from)
}

fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "\r\n",
        "\r\n",
        "\r\n",
        "\r",
        "\n",
        " ",
        "\t",
        ":",
        "From",
        "from",
        "A",
        "\0",
        "\u{fc}",
        "X: y",
        "\r\n ",
        "\r\n :",
        "From x",
        ">",
        "--b",
        "a-name-of-many-octets",
        ":\r\nA-NAME-OF-MANY-OCTETS",
        ": some words that fill more than a block of sixty-four octets",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn equals_the_model_at_any_split(text in soup(), chunk in 1usize..20) {
        let (fields, body) = model(&text);
        let (header, found) = split(&text, chunk);
        prop_assert_eq!(found, body);
        prop_assert_eq!(header.fields.len(), fields.len());
        let mut named: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for (i, field) in fields.iter().enumerate() {
            let raw = field.strip_suffix(b"\r\n").unwrap_or(field);
            prop_assert_eq!(header.field(i), raw);
            let mut parts = field.splitn(2, |b| *b == b':');
            let (name, value) = (parts.next().unwrap(), parts.next());
            let name = crate::tags::trim_fws(name);
            let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
            if let Some(value) = value
                && is_name
                && field.starts_with(name)
            {
                named.entry(name.to_ascii_lowercase()).or_default().push(i);
                prop_assert_eq!(header.value(i), value.strip_suffix(b"\r\n").unwrap_or(value));
            }
        }
        let fields = || (0..header.len()).map(|i| header.field(i));
        prop_assert_eq!(header.has_from_lookalike(), fields().any(looks_like_from));
        let is_bare = |field: &[u8]| {
            let text = String::from_utf8_lossy(field).replace("\r\n", "");
            text.contains(['\r', '\n'])
        };
        let bare: Vec<usize> = (0..header.len()).filter(|i| is_bare(header.field(*i))).collect();
        prop_assert_eq!(header.bare_ends(), bare);
        for (name, fields) in &named {
            prop_assert!(header.named(name).eq(fields.iter().copied()));
            prop_assert!(header.named(&name.to_ascii_uppercase()).eq(fields.iter().copied()));
        }
        // With the index that more fields have.
        let mut sorted = Header::clone(&header);
        sorted.sort(0);
        for name in named.keys() {
            prop_assert!(sorted.named(name).eq(header.named(name)));
        }
        for absent in [&b"B"[..], b"fromm", b"fro", b"", b"X-"] {
            prop_assert!(sorted.named(absent).eq(header.named(absent)));
            if !named.contains_key(&absent.to_ascii_lowercase()) {
                prop_assert_eq!(header.named(absent).len(), 0);
            }
        }
    }
}

#[test]
fn lookalikes() {
    for text in [
        &b" From: x\r\nTo: y\r\n\r\n"[..],
        b"From : x\r\n\r\n",
        b"To: y\r\nFrom\r\n : x\r\n\r\n",
        b"Fr\0om: x\r\n\r\n",
        b"\xef\xbb\xbfFrom: x\r\n\r\n",
        b"To: y\nFrom: x\r\n\r\n",
        b"To: y\rfrom\t: x\r\n\r\n",
    ] {
        assert!(
            split(text, 7).0.has_from_lookalike(),
            "{}",
            text.escape_ascii()
        );
    }
    for text in [
        &b"From: x\r\nfrom:y\r\n\r\n"[..],
        b"Subject: a\r\n From: x\r\n\r\n",
        b"Resent-From: x\r\nFrom-Me: y\r\n\r\n",
        b"From me Mon Jan  1\r\n\r\n",
    ] {
        assert!(
            !split(text, 7).0.has_from_lookalike(),
            "{}",
            text.escape_ascii()
        );
    }
}

/// More than fit into the bits of a number, and others on top of them.
#[test]
fn many_fields() {
    let mut text = Vec::new();
    for n in 0..3 * FEW {
        let line = alloc::format!(
            "A{}: {n}\r\nno colon\r\nLonger-Name-{}: {n}\r\n",
            n % 7,
            n % 5
        );
        text.extend_from_slice(line.as_bytes());
    }
    let (header, _) = split(&[&text[..], b"\r\n"].concat(), 1000);
    let all = |name: &[u8]| {
        let is_it = |n: &usize| header.name(*n).eq_ignore_ascii_case(name);
        (0..header.len()).filter(is_it).collect::<Vec<_>>()
    };
    for name in [&b"a3"[..], b"LONGER-NAME-4", b"longer-name-5", b"", b"a7"] {
        let want = if name.is_empty() { vec![] } else { all(name) };
        assert!(header.named(name).eq(want));
    }
}

#[cfg(feature = "arc")]
#[test]
fn fields_on_top_come_first() {
    let (header, _) = split(b"A: 1\r\nB: 2\r\na: 3\r\n\r\n", 100);
    let header = header.below("a: 4\r\nC: 5\r\nB: 6\r\n").unwrap();
    assert!(header.named(b"a").eq([3, 0, 2]));
    assert!(header.named(b"b").eq([5, 1]));
    assert!(header.named(b"c").eq([4]));
    assert_eq!(header.value(5), b" 6");
}
