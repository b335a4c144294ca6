//! Sanitising: what comes out is accepted by the strict policy, is the same when it is
//! sanitised again and under any cut, and has the parts and the content of the message.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, pieces, within};
use scop_mime::{
    Content, Decoder, DefectKind, DefectSet, Inspector, Limits, Message, Part, Policy, Sanitiser,
    TransferEncoding, sanitise,
};

fn stream<'a>(pieces: impl Iterator<Item = &'a [u8]>, limits: &Limits, hold: usize) -> Vec<u8> {
    let mut sanitiser = Sanitiser::new(limits.clone()).hold(hold);
    let mut out = Vec::new();
    for piece in pieces {
        sanitiser
            .write(piece, &mut out)
            .expect("it refuses nothing");
    }
    sanitiser.finish(&mut out).expect("it refuses nothing");
    out
}

/// All line ends as CRLF.
fn crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for byte in bytes {
        if *byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

fn same_body(before: &Part<'_, '_>, after: &Part<'_, '_>) -> bool {
    let mut decoder = Decoder::new(&before.encoding());
    let mut decoded = Vec::new();
    match before.encoding() {
        // A stored line end is CRLF, one that was encoded is itself.
        TransferEncoding::QuotedPrintable => decoder.decode(&crlf(before.body()), &mut decoded),
        _ => decoder.decode(before.body(), &mut decoded),
    }
    decoder.finish(&mut decoded);
    if crlf(&decoded) == crlf(&after.decoded()) {
        return true;
    }
    let (Some(before), Some(after)) = (before.text(), after.text()) else {
        return false;
    };
    let utf7 = before
        .charset
        .as_deref()
        .is_some_and(|c| c.trim().eq_ignore_ascii_case("utf-7"));
    (before.lossy || utf7) && crlf(before.text.as_bytes()) == crlf(after.text.as_bytes())
}

/// The same tree with the same content.
fn agree(before: &[u8], after: &[u8]) {
    let (before, after) = (Message::parse(before), Message::parse(after));
    let mut others = after.parts();
    for part in before.parts() {
        let other = others.next().expect("a part for each");

        assert_eq!(part.parent(), other.parent(), "{}", part.id());
        assert_eq!(part.content(), other.content(), "{}", part.id());
        if part.content() == Content::Leaf {
            assert!(same_body(&part, &other), "{}", part.id());
        }
    }
    assert!(others.next().is_none(), "no more parts");
}

/// Limits that are met soon, by the bytes of the message.
fn near_limits(data: &[u8]) {
    let mut sum = data.iter().fold(data.len() as u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    });
    let mut below = |limit: u64| {
        let number = (sum >> 20) % limit;
        sum = sum.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        number
    };
    let limits = Limits {
        depth: below(4) as u32,
        parts: below(6) as u32,
        fields: below(80) as u32,
        parameters: below(12) as usize,
        header_bytes: below(20_000),
        field_bytes: below(3_000) as usize,
        defects: below(4) as usize,
    };
    let hold = below(400) as usize;
    let (whole, _) = sanitise(data, &limits);
    let (again, _) = sanitise(&whole, &limits);
    assert!(again == whole, "sanitised twice, near limits");
    let streamed = stream(pieces(data), &limits, hold);
    assert!(
        streamed == stream(data.chunks(1), &limits, hold),
        "cut otherwise, near limits"
    );
    assert!(
        stream(pieces(&streamed), &limits, hold) == streamed,
        "streamed twice, near limits"
    );
}

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    let (whole, report) = within(2 * heap_for(data.len()), || sanitise(data, &limits));
    Policy::strict()
        .apply(&whole, &limits)
        .expect("nothing is left");
    agree(data, &whole);
    let (again, _) = sanitise(&whole, &limits);
    assert!(again == whole, "sanitised twice");
    // What every policy makes of it.
    for policy in [Policy::lenient(), Policy::strict(), Policy::sanitise()] {
        assert_eq!(policy.apply(&whole, &limits).expect("clean").bytes, whole);
    }

    let streamed = stream(std::iter::once(data), &limits, usize::MAX);
    agree(data, &streamed);
    Policy::strict()
        .apply(&streamed, &limits)
        .expect("nothing is left");
    for hold in [64, usize::MAX] {
        let streamed = stream(pieces(data), &limits, hold);
        assert!(
            streamed == stream(data.chunks(1), &limits, hold),
            "cut otherwise"
        );
        let mut set = DefectSet::ambiguous().union(DefectSet::damaged());
        for kind in [DefectKind::NotOfCharset, DefectKind::Utf7] {
            set = set.without(kind);
        }
        let mut inspector = Inspector::new(limits.clone()).refusing(set);
        inspector.write(&streamed).expect("nothing is left");
        inspector.finish().expect("nothing is left");
        assert!(
            stream(pieces(&streamed), &limits, hold) == streamed,
            "streamed twice"
        );
    }
    near_limits(data);

    // A gate tells the same as the whole.
    for policy in [Policy::lenient(), Policy::strict(), Policy::sanitise()] {
        let mut gate = policy.gate(&limits);
        let mut out = Vec::new();
        let mut result = pieces(data).try_for_each(|piece| gate.write(piece, &mut out));
        let mut found = None;
        if result.is_ok() {
            match gate.finish(&mut out) {
                Ok(report) => found = Some(report),
                Err(refused) => result = Err(refused),
            }
        }
        match policy.apply(data, &limits) {
            Ok(applied) => {
                assert_eq!(Some(applied.report), found);
                assert_eq!(found.as_ref(), Some(&report));
            }
            Err(_) => assert!(result.is_err()),
        }
    }
});
