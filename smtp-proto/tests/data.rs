//! DATA framing: what ends a message and what never does (laws 1, 6 and 9).

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use scop_core::Outbox;
use scop_smtp_proto::*;

/// What came of decoding: the message if it was good, else why not; and what was
/// left in the input behind its end.
#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    content: Vec<u8>,
    bad: Option<BareByte>,
    rest: Option<Vec<u8>>,
}

/// By both ways to read, which must agree.
#[track_caller]
fn decode(policy: Bare, pieces: &[&[u8]]) -> Decoded {
    let given = given(policy, pieces);
    assert_eq!(lent(policy, pieces), given, "lent and given");
    given
}

fn given(policy: Bare, pieces: &[&[u8]]) -> Decoded {
    let mut decoder = DataDecoder::new(policy);
    let mut input = BytesMut::new();
    let mut pieces = pieces.iter();
    let mut found = Decoded {
        content: Vec::new(),
        bad: None,
        rest: None,
    };
    loop {
        match decoder.read(&mut input) {
            DataStep::Chunk(chunk) => {
                assert!(!chunk.is_empty());
                assert!(found.bad.is_none(), "nothing comes behind Bad");
                found.content.extend_from_slice(&chunk);
                continue;
            }
            DataStep::Bad(bad) => {
                assert_eq!(found.bad.replace(bad), None, "once");
                continue;
            }
            DataStep::NeedInput => assert!(input.len() <= 2),
            DataStep::End => found.rest = Some(input.to_vec()),
        }
        match pieces.next() {
            Some(piece) => input.extend_from_slice(piece),
            None => return found,
        }
    }
}

fn lent(policy: Bare, pieces: &[&[u8]]) -> Decoded {
    let mut decoder = DataDecoder::new(policy);
    let mut input = Vec::new();
    let mut pieces = pieces.iter();
    let mut found = Decoded {
        content: Vec::new(),
        bad: None,
        rest: None,
    };
    let mut used = 0;
    loop {
        let (taken, step) = decoder.feed(&input);
        match step {
            DataStep::Chunk(piece) => {
                assert!(!piece.is_empty() && found.bad.is_none());
                found.content.extend_from_slice(piece);
            }
            DataStep::Bad(bad) => assert_eq!(found.bad.replace(bad), None, "once"),
            DataStep::NeedInput => {
                input.drain(..taken);
                used += taken as u64;
                assert!(input.len() <= 2 && used == decoder.offset());
                match pieces.next() {
                    Some(piece) => input.extend_from_slice(piece),
                    None => return found,
                }
                continue;
            }
            DataStep::End => {
                let behind = pieces.flat_map(|piece| piece.iter());
                found.rest = Some(input[taken..].iter().chain(behind).copied().collect());
                return found;
            }
        }
        input.drain(..taken);
        used += taken as u64;
        assert_eq!(used, decoder.offset());
    }
}

/// The rules as RFC 5321 has them, byte by byte.
fn plainly(policy: Bare, input: &[u8]) -> Decoded {
    let mut found = Decoded {
        content: Vec::new(),
        bad: None,
        rest: None,
    };
    let end = match input.starts_with(b".\r\n") {
        true => Some(0),
        false => memchr::memmem::find(input, b"\r\n.\r\n").map(|at| at + 2),
    };
    let message = &input[..end.unwrap_or(input.len())];
    found.rest = end.map(|at| input[at + 3..].to_vec());
    let open = end.is_none();
    for (i, &b) in message.iter().enumerate() {
        let line_start = i == 0 || message[..i].ends_with(b"\r\n");
        let next = message.get(i + 1).copied();
        if line_start && b == b'.' {
            // Without the end in sight, `.` and `.CR` are not understood yet.
            if open && matches!(&message[i..], b"." | b".\r") {
                break;
            }
            continue;
        }
        if policy == Bare::Reject {
            let byte = match b {
                b'\r' if next.is_none() && open => break,
                b'\r' if next != Some(b'\n') => Some(BadByte::BareCr),
                b'\n' if i == 0 || message[i - 1] != b'\r' => Some(BadByte::BareLf),
                0 => Some(BadByte::Nul),
                _ => None,
            };
            if let Some(byte) = byte {
                let offset = i as u64;
                found.bad = Some(BareByte { byte, offset });
                break;
            }
        }
        found.content.push(b);
    }
    found
}

fn encode(policy: Outgoing, room: usize, pieces: &[&[u8]]) -> Result<Vec<u8>, BareByte> {
    let mut encoder = DataEncoder::new(policy);
    let mut out = Outbox::new(room);
    let mut wire = Vec::new();
    for piece in pieces {
        let mut data = Bytes::copy_from_slice(piece);
        while !data.is_empty() {
            encoder.write(&mut data, &mut out)?;
            assert!(out.len() <= room + 4);
            while let Some(chunk) = out.pop() {
                wire.extend_from_slice(&chunk);
            }
        }
    }
    encoder.finish(&mut out)?;
    while let Some(chunk) = out.pop() {
        wire.extend_from_slice(&chunk);
    }
    Ok(wire)
}

/// `inside` a message is no end: what looks like commands behind it is message, the
/// true end is found, and all of it is refused.
#[track_caller]
fn smuggles_nothing(inside: &[u8], byte: BadByte) {
    let message = [b"a", inside, b"MAIL FROM:<evil@x>\r\n.\r\nQUIT\r\n"].concat();
    let whole = decode(Bare::Reject, &[&message]);
    assert_eq!(
        whole.bad.map(|b| b.byte),
        Some(byte),
        "{}",
        inside.escape_ascii()
    );
    assert_eq!(whole.rest.as_deref(), Some(&b"QUIT\r\n"[..]));
    for cut in 1..message.len() {
        let (left, right) = message.split_at(cut);
        assert_eq!(decode(Bare::Reject, &[left, right]), whole, "cut at {cut}");
    }
    // Kept, it still ends nothing.
    let kept = decode(Bare::Keep, &[&message]);
    assert_eq!((kept.bad, &kept.rest), (None, &whole.rest));
    assert_eq!(kept, plainly(Bare::Keep, &message));
}

#[test]
fn ss01_ss08_bare_line_ends_around_the_dot_end_nothing() {
    use BadByte::*;
    for (inside, byte) in [
        (&b"\n.\n"[..], BareLf),
        (b"\n.\r\n", BareLf),
        (b"\r.\r", BareCr),
        (b"\r.\n", BareCr),
        (b"\n.\r", BareLf),
        (b"\r.\r\n", BareCr),
        (b"\r\n.\n", BareLf),
        (b"\r\n.\r", BareCr),
    ] {
        smuggles_nothing(inside, byte);
    }
}

#[test]
fn ss09_ss12_nul_around_the_dot_ends_nothing() {
    use BadByte::*;
    for (inside, byte) in [
        (&b"\r\n\0.\r\n"[..], Nul),
        (b"\r\n.\0\r\n", Nul),
        (b"\r\0\n.\r\n", BareCr),
        (b"\r\n.\r\0\n", BareCr),
    ] {
        smuggles_nothing(inside, byte);
    }
}

#[test]
fn ss13_nul_before_a_true_end_rejects_and_behind_it_is_not_ours() {
    let before = decode(Bare::Reject, &[b"a\0\r\n.\r\n"]);
    assert_eq!(before.bad.map(|b| b.byte), Some(BadByte::Nul));
    assert_eq!(before.rest.as_deref(), Some(&b""[..]));
    let behind = decode(Bare::Reject, &[b"a\r\n.\r\n\0"]);
    assert_eq!((behind.content, behind.bad), (b"a\r\n".to_vec(), None));
    assert_eq!(behind.rest.as_deref(), Some(&b"\0"[..]));
}

#[test]
fn ss14_two_cr_are_no_line_end() {
    smuggles_nothing(b"\r\n.\r\r\n", BadByte::BareCr);
    smuggles_nothing(b"\r\r\n.\r\r\n", BadByte::BareCr);
}

#[test]
fn dots_are_taken_out_wherever_a_line_starts() {
    for (wire, content) in [
        (&b".\r\n"[..], &b""[..]),
        (b"..\r\n.\r\n", b".\r\n"),
        (b".x\r\n.\r\n", b"x\r\n"),
        (b"...\r\n..\r\n.\r\n", b"..\r\n.\r\n"),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a.b\r\n .c\r\n.\r\n", b"a.b\r\n .c\r\n"),
    ] {
        let found = decode(Bare::Reject, &[wire]);
        assert_eq!((&found.content[..], found.bad), (content, None));
        assert_eq!(found.rest, Some(vec![]));
        assert_eq!(encode(Outgoing::Refuse, 9, &[content]).unwrap().len(), {
            // Only needless dots are not written back.
            wire.len() - usize::from(wire.starts_with(b".x"))
        });
    }
}

#[test]
fn the_end_of_input_completes_nothing() {
    let message = b"..a\r\n.b\r\n.\r\n";
    for end in 0..message.len() {
        assert_eq!(decode(Bare::Reject, &[&message[..end]]).rest, None, "{end}");
    }
}

#[test]
fn large_pieces_share_the_input_and_small_ones_do_not() {
    let mut input = BytesMut::from(&[b'x'; 8000][..]);
    let at = input.as_ptr();
    let DataStep::Chunk(chunk) = DataDecoder::default().read(&mut input) else {
        panic!("no chunk");
    };
    assert_eq!((chunk.len(), chunk.as_ptr()), (8000, at));
    let mut input = BytesMut::from(&[b'x'; 100][..]);
    let at = input.as_ptr();
    let DataStep::Chunk(chunk) = DataDecoder::default().read(&mut input) else {
        panic!("no chunk");
    };
    assert_ne!(chunk.as_ptr(), at);
}

/// Whether a message with these lines is seen to have a long one, both ways, whatever the
/// pieces.
fn is_long(lines: &[usize]) -> bool {
    let body: Vec<u8> = (lines.iter())
        .flat_map(|&n| {
            [
                &vec![b'.'; n.min(2)][..],
                &vec![b'x'; n.saturating_sub(2)],
                b"\r\n",
            ]
            .concat()
        })
        .collect();
    let wire = encode(Outgoing::Refuse, 1 << 20, &[&body]).unwrap();
    let mut seen = Vec::new();
    for piece in [1, 7, 16, 100, 999, 1000, 1001, 1 << 20] {
        let (mut decoder, mut input) = (DataDecoder::default(), BytesMut::new());
        for piece in wire.chunks(piece) {
            input.extend_from_slice(piece);
            while let DataStep::Chunk(_) = decoder.read(&mut input) {}
        }
        let (mut encoder, mut out) = (DataEncoder::default(), Outbox::new(1 << 20));
        for piece in body.chunks(piece) {
            encoder
                .write(&mut Bytes::copy_from_slice(piece), &mut out)
                .unwrap();
        }
        seen.push(decoder.has_long_lines());
        seen.push(encoder.has_long_lines());
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{lines:?}");
    seen[0]
}

#[test]
fn lines_of_more_than_998_bytes_are_flagged() {
    for fine in [
        &[998][..],
        &[0],
        &[998, 998, 998],
        &[1, 998, 0, 0, 998, 2],
        &[500; 20],
    ] {
        assert!(!is_long(fine), "{fine:?}");
    }
    for long in [
        &[999][..],
        &[1, 999],
        &[998, 999, 1],
        &[0, 500, 5000],
        &[500, 500, 999],
    ] {
        assert!(is_long(long), "{long:?}");
    }
}

#[test]
fn sc04_every_leading_dot_is_doubled() {
    let body = b"x\r\n\r\n.\r\nMAIL FROM:<evil@x>\r\n";
    let wire = encode(Outgoing::Refuse, 64, &[body]).unwrap();
    assert_eq!(wire, b"x\r\n\r\n..\r\nMAIL FROM:<evil@x>\r\n.\r\n");
    let wire = encode(
        Outgoing::Refuse,
        64,
        &[b".", b"\r\n", b".", b".\r", b"\n.\r\n"],
    )
    .unwrap();
    assert_eq!(wire, b"..\r\n...\r\n..\r\n.\r\n");
    assert_eq!(
        encode(Outgoing::Refuse, 64, &[b"no end"]).unwrap(),
        b"no end\r\n.\r\n"
    );
}

#[test]
fn sc05_bare_line_ends_and_nul_are_refused_or_mended() {
    use BadByte::*;
    for (body, byte, offset, mended) in [
        (
            &b"a\n.\nb"[..],
            BareLf,
            1,
            Some(&b"a\r\n..\r\nb\r\n.\r\n"[..]),
        ),
        (b"a\r.\rb", BareCr, 1, Some(b"a\r\n..\r\nb\r\n.\r\n")),
        (b"a\n\r.\r\n", BareLf, 1, Some(b"a\r\n\r\n..\r\n.\r\n")),
        (b"a\r\r\n", BareCr, 1, Some(b"a\r\n\r\n.\r\n")),
        (b"a\r", BareCr, 1, Some(b"a\r\n.\r\n")),
        (b"a\r\n.\0\r\n", Nul, 4, None),
    ] {
        for room in [1, 2, 3, 100] {
            let refused = encode(Outgoing::Refuse, room, &[body]);
            assert_eq!(
                refused,
                Err(BareByte { byte, offset }),
                "{}",
                body.escape_ascii()
            );
            let found = encode(Outgoing::Normalise, room, &[body]);
            assert_eq!(found.ok().as_deref(), mended, "{}", body.escape_ascii());
        }
    }
    // It stays refused, and can never be finished.
    let mut encoder = DataEncoder::default();
    let mut out = Outbox::new(100);
    let error = encoder
        .write(&mut Bytes::from("a\nb"), &mut out)
        .unwrap_err();
    assert_eq!(encoder.write(&mut Bytes::from("c"), &mut out), Err(error));
    assert_eq!(encoder.finish(&mut out), Err(error));
    assert_eq!(out.pop().unwrap(), "a");
    assert_eq!(
        error.to_string(),
        "bare LF in a message at byte 1 (RFC 5321 2.3.8, 4.5.2)"
    );
}

/// All strings of so many of the bytes that framing is made of, and of one that it is not.
fn strings(length: u32) -> impl Iterator<Item = Vec<u8>> {
    (0..5u32.pow(length)).map(move |n| {
        let byte = |i| b"\r\n\0.a"[(n / 5u32.pow(i) % 5) as usize];
        (0..length).map(byte).collect()
    })
}

/// `inside` a message, so many bytes behind its start, cut there and at the end of it.
#[track_caller]
fn is_read_by_the_rules(policies: &[Bare], inside: &[u8], behind: usize, cut: usize) {
    let message = [&vec![b'a'; behind], inside, b"\r\n.\r\nQUIT"].concat();
    let pieces = [
        &message[..behind + cut],
        &message[behind + cut..behind + inside.len()],
        &message[behind + inside.len()..],
    ];
    for &policy in policies {
        let (found, expected) = (decode(policy, &pieces), plainly(policy, &message));
        let inside = inside.escape_ascii();
        assert_eq!(
            found, expected,
            "{inside} behind {behind}, cut at {cut}, {policy:?}"
        );
    }
}

const BOTH: [Bare; 2] = [Bare::Reject, Bare::Keep];

/// Before which something may begin that is looked at together.
const BEHIND: [usize; 24] = [
    0, 1, 2, 6, 7, 8, 9, 14, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 135, 136, 137, 300,
];

#[test]
fn all_short_strings_in_each_place_are_read_by_the_rules_however_they_are_cut() {
    for inside in (0..=4).flat_map(strings) {
        for behind in BEHIND {
            for cut in 0..=inside.len() {
                is_read_by_the_rules(&BOTH, &inside, behind, cut);
            }
        }
    }
    // Of the longer ones each in one place, with one cut and by one policy.
    for (n, inside) in (5..=8).flat_map(strings).enumerate() {
        let cut = n % (inside.len() + 1);
        is_read_by_the_rules(&BOTH[n / 2 % 2..][..1], &inside, BEHIND[n % 11], cut);
    }
}

#[test]
fn all_short_strings_are_written_as_one_message() {
    for body in (0..=5).flat_map(strings) {
        // Line ends of any kind are CRLF, a dot at the start of a line is doubled.
        let (mut mended, mut line_start, mut rest) = (Vec::new(), true, &body[..]);
        while let [byte, behind @ ..] = rest {
            rest = match rest {
                [b'\r', b'\n', behind @ ..] => behind,
                _ => behind,
            };
            match byte {
                b'\r' | b'\n' => mended.extend_from_slice(b"\r\n"),
                b'.' if line_start => mended.extend_from_slice(b".."),
                _ => mended.push(*byte),
            }
            line_start = matches!(byte, b'\r' | b'\n');
        }
        if !line_start {
            mended.extend_from_slice(b"\r\n");
        }
        mended.extend_from_slice(b".\r\n");
        let is_bare = |i: usize| match body[i] {
            b'\r' => body.get(i + 1) != Some(&b'\n'),
            b'\n' => i == 0 || body[i - 1] != b'\r',
            byte => byte == 0,
        };
        let first = |of: &dyn Fn(usize) -> bool| (0..body.len()).find(|&i| of(i));
        let (bare, nul) = (first(&is_bare), first(&|i| body[i] == 0));
        for cut in 0..=body.len() {
            let pieces = [&body[..cut], &body[cut..]];
            let shown = body.escape_ascii();
            match (encode(Outgoing::Refuse, 3, &pieces), bare) {
                (Ok(wire), None) => assert_eq!(wire, mended, "{shown} cut at {cut}"),
                (Err(bad), Some(at)) => assert_eq!(bad.offset, at as u64, "{shown} cut at {cut}"),
                (found, _) => panic!("{shown} cut at {cut}: {found:?}"),
            }
            match (encode(Outgoing::Normalise, 100, &pieces), nul) {
                (Ok(wire), None) => assert_eq!(wire, mended, "{shown} cut at {cut}"),
                (Err(bad), Some(at)) => assert_eq!(bad.offset, at as u64, "{shown} cut at {cut}"),
                (found, _) => panic!("{shown} cut at {cut}: {found:?}"),
            }
        }
    }
}

/// Bytes of which messages are made that go wrong.
fn soup(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\r\n".to_vec()), 4 => Just(b".".to_vec()), 2 => Just(b"\r\n.\r\n".to_vec()),
        1 => Just(b"\r".to_vec()), 1 => Just(b"\n".to_vec()), 1 => Just(vec![0]),
        4 => prop::collection::vec(b'a'..b'e', 0..90), 1 => Just(vec![b'x'; 2100]),
    ];
    prop::collection::vec(piece, 0..most).prop_map(|p| p.concat())
}

fn cut<'a>(input: &'a [u8], at: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = at.iter().map(|i| i.index(input.len() + 1)).collect();
    cuts.sort_unstable();
    let (mut pieces, mut from) = (Vec::new(), 0);
    for cut in cuts.into_iter().chain([input.len()]) {
        pieces.push(&input[from..cut]);
        from = cut;
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn decoding_is_what_the_rules_say_however_it_is_cut(
        input in soup(12), at in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        for policy in [Bare::Reject, Bare::Keep] {
            let mut expected = plainly(policy, &input);
            let mut found = decode(policy, &cut(&input, &at));
            if policy == Bare::Keep && expected.rest.is_none() {
                // A CR or a dot at the very end may wait for what is behind it.
                let n = found.content.len().min(expected.content.len());
                prop_assert!(expected.content.len() - n <= 2);
                found.content.truncate(n);
                expected.content.truncate(n);
            }
            prop_assert_eq!(found, expected);
        }
        let bytes: Vec<&[u8]> = input.chunks(1).collect();
        prop_assert_eq!(decode(Bare::Reject, &bytes), plainly(Bare::Reject, &input));
    }

    #[test]
    fn law_9_what_is_sent_is_one_message(
        body in soup(12), at in prop::collection::vec(any::<prop::sample::Index>(), 0..6), room in 1usize..5000,
    ) {
        let whole = encode(Outgoing::Normalise, 1 << 20, &[&body]);
        prop_assert_eq!(&encode(Outgoing::Normalise, room, &cut(&body, &at)), &whole);
        if let Ok(wire) = whole {
            let found = decode(Bare::Reject, &[&wire]);
            prop_assert_eq!(found.bad, None);
            prop_assert_eq!(found.rest, Some(vec![]));
        }
        if let Ok(wire) = encode(Outgoing::Refuse, room, &cut(&body, &at)) {
            let mut content = body.clone();
            if !content.is_empty() && !content.ends_with(b"\r\n") {
                content.extend_from_slice(b"\r\n");
            }
            let found = decode(Bare::Reject, &[&wire]);
            prop_assert_eq!(found.content, content);
        }
    }
}
