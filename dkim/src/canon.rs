//! Canonicalisation: RFC 6376 section 3.4.
//!
//! Header fields are canonicalised whole ([`header_field`]); the body passes
//! through [`BodyCanon`] in chunks of any size and memory stays constant, even
//! for gigabytes of empty lines, which are only counted.
//!
//! Nothing is repaired: a bare CR or LF, a NUL, or a line of any length is
//! hashed as it is. Only CRLF is a line end and only space and tab are white
//! space.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// One of the two algorithms of RFC 6376 section 3.4, for header or body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Canonicalization {
    /// Tolerates almost no change (sections 3.4.1 and 3.4.3). The default when
    /// `c=` is absent.
    #[default]
    Simple,
    /// Tolerates changed white space, folding and case of field names
    /// (sections 3.4.2 and 3.4.4).
    Relaxed,
}

impl Canonicalization {
    /// As `c=` has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Relaxed => "relaxed",
        }
    }
}

impl fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Appends the canonical form of one field to `out`, without a final CRLF.
/// `field` is a field as [`crate::header`] splits it: folded lines included,
/// the CRLF that ends it not.
pub(crate) fn header_field(canon: Canonicalization, field: &[u8], out: &mut Vec<u8>) {
    if canon == Canonicalization::Simple {
        out.extend_from_slice(field);
        return;
    }
    let (name, value) = match memchr::memchr(b':', field) {
        Some(colon) => (&field[..colon], &field[colon + 1..]),
        None => (field, &[][..]),
    };
    let start = out.len();
    unfold(name, out);
    out[start..].make_ascii_lowercase();
    out.push(b':');
    unfold(value, out);
}

/// Appends `text` unfolded, runs of white space reduced to one space, none at
/// either end.
fn unfold(mut text: &[u8], out: &mut Vec<u8>) {
    let mut any = false;
    loop {
        let mut blank = false;
        loop {
            text = match text {
                [b' ' | b'\t', rest @ ..] => {
                    blank = true;
                    rest
                }
                [b'\r', b'\n', rest @ ..] => rest,
                _ => break,
            };
        }
        if text.is_empty() {
            return;
        }
        if blank && any {
            out.push(b' ');
        }
        any = true;
        let (plain, rest) = text.split_at(plain_text(text));
        out.extend_from_slice(plain);
        text = rest;
    }
}

/// How much of `text` passes unfolding as it is: up to white space that is no single
/// space inside a line. Its first byte is not looked at, since it is none.
fn plain_text(text: &[u8]) -> usize {
    const BLOCK: usize = 16;
    let mut at = 1;
    while let Some(window) = text
        .get(at..)
        .and_then(<[u8]>::first_chunk::<{ BLOCK + 1 }>)
    {
        // Without a branch inside, for the compiler to vectorise.
        let mut stop = false;
        for n in 0..BLOCK {
            let (byte, next) = (window[n], window[n + 1]);
            let ends = (next == b' ') | (next == b'\t') | (next == b'\r');
            stop |= (byte == b'\t') | (byte == b'\r') | (byte == b' ') & ends;
        }
        if stop {
            break;
        }
        at += BLOCK;
    }
    while let Some(byte) = text.get(at) {
        let stop = match byte {
            b'\t' | b'\r' => true,
            b' ' => matches!(text.get(at + 1), None | Some(b' ' | b'\t' | b'\r')),
            _ => false,
        };
        if stop {
            break;
        }
        at += 1;
    }
    at.min(text.len())
}

/// Where canonical body bytes go.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

/// Canonicalises a body that comes in chunks.
///
/// Two stages. The first, for relaxed only, rewrites white space inside lines;
/// the second holds back line ends until something follows them:
///
/// ```text
///   write -> [ Relax: white space held, CR held ] -> [ Lines: CRLFs counted ] -> sink
/// ```
pub(crate) struct BodyCanon<S> {
    relax: Option<Relax>,
    lines: Lines<S>,
}

impl<S: Sink> BodyCanon<S> {
    pub(crate) fn new(kind: Canonicalization, sink: S) -> Self {
        let relax = match kind {
            Canonicalization::Simple => None,
            Canonicalization::Relaxed => Some(Relax::new()),
        };
        Self {
            relax,
            lines: Lines {
                sink,
                cr: false,
                crlfs: 0,
                any: false,
            },
        }
    }

    pub(crate) fn write(&mut self, data: &[u8]) {
        match &mut self.relax {
            None => self.lines.put(data),
            Some(relax) => relax.write(data, &mut self.lines),
        }
    }

    pub(crate) fn sink_mut(&mut self) -> &mut S {
        &mut self.lines.sink
    }

    /// Ends the body and gives the sink back.
    pub(crate) fn finish(mut self) -> S {
        // Section 3.4.3: no body is one CRLF. Section 3.4.4: no body is nothing.
        let empty_is_line = match self.relax.take() {
            None => true,
            Some(relax) => {
                relax.finish(&mut self.lines);
                false
            }
        };
        self.lines.finish(empty_is_line)
    }
}

/// Second stage: everything passes except CRLFs at the end.
struct Lines<S> {
    sink: S,
    /// A CR at the end of what came.
    cr: bool,
    /// CRLFs held back.
    crlfs: u64,
    /// Whether any byte went to the sink.
    any: bool,
}

const CRLFS: [u8; 512] = {
    let mut all = [b'\r'; 512];
    let mut i = 1;
    while i < all.len() {
        all[i] = b'\n';
        i += 2;
    }
    all
};

impl<S: Sink> Lines<S> {
    fn put(&mut self, mut data: &[u8]) {
        if self.cr && !data.is_empty() {
            self.cr = false;
            if let [b'\n', rest @ ..] = data {
                self.crlfs += 1;
                data = rest;
            } else {
                self.release();
                self.sink.put(b"\r");
            }
        }
        let mut end = data.len();
        if data.last() == Some(&b'\r') {
            end -= 1;
            self.cr = true;
        }
        let mut kept = end;
        for size in [CRLFS.len(), 32, 2] {
            while data[..kept].ends_with(&CRLFS[..size]) {
                kept -= size;
            }
        }
        if kept > 0 {
            self.release();
            self.sink.put(&data[..kept]);
        }
        self.crlfs += ((end - kept) / 2) as u64;
    }

    /// Something follows the line ends held back: they are part of the body.
    fn release(&mut self) {
        self.any = true;
        let mut bytes = self.crlfs.saturating_mul(2);
        self.crlfs = 0;
        while bytes > 0 {
            let n = bytes.min(CRLFS.len() as u64);
            self.sink.put(&CRLFS[..n as usize]);
            bytes -= n;
        }
    }

    fn finish(mut self, empty_is_line: bool) -> S {
        if self.cr {
            self.release();
            self.sink.put(b"\r");
        }
        if self.any || empty_is_line {
            self.sink.put(b"\r\n");
        }
        self.sink
    }
}

/// First stage, relaxed: of each run of white space the last byte stays, as a space,
/// unless a CRLF follows it. What is not let through uncopied is gathered, so that the
/// next stage and the hash are not called for each word of a text.
///
/// Bytes are looked at by themselves ([`Relax::step`]) only where their meaning may depend
/// on another chunk; a test compares that with the rest, on all sorts of bodies.
struct Relax {
    held: Held,
    gathered: Box<[u8; GATHER]>,
    used: usize,
}

/// What waits for the next byte.
#[derive(Clone, Copy)]
enum Held {
    Nothing,
    /// A run of white space.
    Blank,
    /// Such a run and a CR; a LF makes it a line end.
    BlankCr,
}

const GATHER: usize = 2048;
/// From here on it is not worth to gather.
const LARGE: usize = 512;
const BLOCK: usize = 32;

impl Relax {
    fn new() -> Self {
        Self {
            held: Held::Nothing,
            gathered: Box::new([0; GATHER]),
            used: 0,
        }
    }

    fn write<S: Sink>(&mut self, mut data: &[u8], next: &mut Lines<S>) {
        while !matches!(self.held, Held::Nothing)
            && let [first, rest @ ..] = data
        {
            if matches!((self.held, first), (Held::Blank, b' ' | b'\t')) {
                // The run goes on; its last byte is still to come.
                self.held = Held::Nothing;
                break;
            }
            self.step(*first, next);
            data = rest;
        }
        loop {
            let same = without_blanks(data);
            let taken = if same >= 2 * BLOCK || same == data.len() {
                let (same, _) = data.split_at(same);
                self.pass(same, next);
                same.len()
            } else {
                self.squeeze(data, next)
            };
            if taken == 0 {
                break;
            }
            data = data.get(taken..).unwrap_or_default();
        }
        for byte in data {
            self.step(*byte, next);
        }
    }

    /// Takes one byte, whatever comes behind it.
    fn step<S: Sink>(&mut self, byte: u8, next: &mut Lines<S>) {
        let blank = matches!(byte, b' ' | b'\t');
        match self.held {
            Held::Blank if blank => return,
            Held::Blank if byte == b'\r' => {
                self.held = Held::BlankCr;
                return;
            }
            Held::Nothing => {}
            Held::Blank => self.pass(b" ", next),
            Held::BlankCr if byte == b'\n' => self.pass(b"\r", next),
            // A bare CR in the text, with white space before it.
            Held::BlankCr => self.pass(b" \r", next),
        }
        if blank {
            self.held = Held::Blank;
        } else {
            self.held = Held::Nothing;
            self.pass(&[byte], next);
        }
    }

    /// Takes some whole blocks, as far as they can be understood without what may follow
    /// `data`; gives how many bytes that are.
    fn squeeze<S: Sink>(&mut self, data: &[u8], next: &mut Lines<S>) -> usize {
        const STRETCH: usize = 8 * BLOCK;
        let mut at = 0;
        while at < STRETCH
            && let Some(window) = data.get(at..).and_then(<[u8]>::first_chunk)
        {
            if self.used > GATHER - BLOCK {
                self.flush(next);
            }
            let room = self.gathered.get_mut(self.used..);
            let Some(room) = room.and_then(<[u8]>::first_chunk_mut) else {
                break;
            };
            self.used += squeeze(window, room);
            at += BLOCK;
        }
        at
    }

    fn pass<S: Sink>(&mut self, bytes: &[u8], next: &mut Lines<S>) {
        if bytes.len() > GATHER - self.used || bytes.len() >= LARGE {
            self.flush(next);
        }
        if bytes.len() >= LARGE {
            next.put(bytes);
        } else {
            self.gathered[self.used..self.used + bytes.len()].copy_from_slice(bytes);
            self.used += bytes.len();
        }
    }

    fn flush<S: Sink>(&mut self, next: &mut Lines<S>) {
        next.put(&self.gathered[..self.used]);
        self.used = 0;
    }

    fn finish<S: Sink>(mut self, next: &mut Lines<S>) {
        if matches!(self.held, Held::BlankCr) {
            self.pass(b" \r", next);
        }
        self.flush(next);
    }
}

/// How much in front of `data` is without white space, in whole pieces if it is large. In
/// base64 there is none at all.
fn without_blanks(data: &[u8]) -> usize {
    const PIECE: usize = 1024;
    let blank = |data: &[u8]| memchr::memchr2(b' ', b'\t', data);
    // In a text there is some in each line.
    let first = data.get(..2 * BLOCK).unwrap_or(data);
    if let Some(at) = blank(first) {
        return at;
    }
    let mut at = 0;
    while let Some(piece) = data.get(at..at + PIECE) {
        // Without a branch inside, for the compiler to vectorise.
        let blank = |byte: u8| u8::from(byte == b' ') | u8::from(byte == b'\t');
        if piece.iter().fold(0, |any, byte| any | blank(*byte)) != 0 {
            break;
        }
        at += PIECE;
    }
    if at > 0 {
        return at;
    }
    let near = data.get(..PIECE).unwrap_or(data);
    blank(near).unwrap_or(near.len())
}

/// Writes what stays of the first block of `window`, and gives how many bytes that are.
fn squeeze(window: &[u8; BLOCK + 2], out: &mut [u8; BLOCK]) -> usize {
    const fn blank(byte: u8) -> bool {
        (byte == b' ') | (byte == b'\t')
    }
    // Without a branch inside, for the compiler to vectorise.
    let (mut kept, mut bytes) = ([0u8; BLOCK], [0u8; BLOCK]);
    let (mut all, mut any) = (1, 0);
    for n in 0..BLOCK {
        let (byte, next, second) = (window[n], window[n + 1], window[n + 2]);
        let line_end = (next == b'\r') & (second == b'\n');
        let dropped = blank(byte) & (blank(next) | line_end);
        kept[n] = u8::from(!dropped);
        all &= kept[n];
        any |= kept[n];
        bytes[n] = if byte == b'\t' { b' ' } else { byte };
    }
    if all != 0 {
        *out = bytes;
        return BLOCK;
    }
    if any == 0 {
        return 0;
    }
    // Each is written; one that is dropped has the next written over it.
    let mut used = 0;
    for n in 0..BLOCK {
        out[used % BLOCK] = bytes[n];
        used += usize::from(kept[n]);
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Sink for Vec<u8> {
        fn put(&mut self, bytes: &[u8]) {
            self.extend_from_slice(bytes);
        }
    }

    fn body(kind: Canonicalization, chunks: &[&[u8]]) -> Vec<u8> {
        let mut canon = BodyCanon::new(kind, Vec::new());
        for chunk in chunks {
            canon.write(chunk);
        }
        canon.finish()
    }

    /// The same algorithms written for clarity, on the whole body.
    fn model(kind: Canonicalization, body: &[u8]) -> Vec<u8> {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        let mut rest = body;
        while let Some(n) = memchr::memmem::find(rest, b"\r\n") {
            lines.push(rest[..n].to_vec());
            rest = &rest[n + 2..];
        }
        if !rest.is_empty() {
            lines.push(rest.to_vec());
        }
        if kind == Canonicalization::Relaxed {
            for line in &mut lines {
                let mut out = Vec::new();
                for b in line.iter() {
                    match b {
                        b' ' | b'\t' if out.last() == Some(&b' ') => {}
                        b' ' | b'\t' => out.push(b' '),
                        _ => out.push(*b),
                    }
                }
                if out.last() == Some(&b' ') {
                    out.pop();
                }
                *line = out;
            }
        }
        while lines.last().is_some_and(Vec::is_empty) {
            lines.pop();
        }
        if lines.is_empty() && kind == Canonicalization::Simple {
            lines.push(Vec::new());
        }
        let mut out = Vec::new();
        for line in lines {
            out.extend_from_slice(&line);
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    #[test]
    fn rfc6376_section_3_4_5() {
        let text = b" C \r\nD \t E\r\n\r\n\r\n";
        assert_eq!(body(Canonicalization::Relaxed, &[text]), b" C\r\nD E\r\n");
        assert_eq!(
            body(Canonicalization::Simple, &[text]),
            b" C \r\nD \t E\r\n"
        );
        let mut out = Vec::new();
        header_field(Canonicalization::Relaxed, b"A: X", &mut out);
        header_field(Canonicalization::Relaxed, b"B : Y\t\r\n\tZ  ", &mut out);
        assert_eq!(out, b"a:Xb:Y Z");
    }

    #[test]
    fn empty_bodies() {
        for text in [&b""[..], b"\r\n", b"\r\n\r\n\r\n"] {
            assert_eq!(body(Canonicalization::Simple, &[text]), b"\r\n");
            assert_eq!(body(Canonicalization::Relaxed, &[text]), b"");
        }
        assert_eq!(body(Canonicalization::Relaxed, &[b" \t\r\n \r\n\t"]), b"");
    }

    #[test]
    fn nothing_is_repaired() {
        for text in [
            &b"a\nb\n"[..],
            b"a\rb\r",
            b"a\r\r\nb",
            b"\n\n",
            b"a\0b",
            b"\r",
            b"a \n",
            b"a \r",
        ] {
            let mut want = text.to_vec();
            want.extend_from_slice(b"\r\n");
            assert_eq!(
                body(Canonicalization::Simple, &[text]),
                want,
                "{}",
                text.escape_ascii()
            );
            assert_eq!(
                body(Canonicalization::Relaxed, &[text]),
                want,
                "{}",
                text.escape_ascii()
            );
        }
    }

    #[test]
    fn empty_lines_cost_no_memory_and_come_back() {
        struct Count(u64, usize);
        impl Sink for Count {
            fn put(&mut self, bytes: &[u8]) {
                self.0 += bytes.len() as u64;
                self.1 = self.1.max(bytes.len());
            }
        }
        let mut canon = BodyCanon::new(Canonicalization::Simple, Count(0, 0));
        let line = b"\r\n".repeat(1 << 16);
        for _ in 0..32 {
            canon.write(&line);
        }
        canon.write(b"x");
        let Count(total, largest) = canon.finish();
        assert_eq!(total, 32 * (2 << 16) + 3);
        assert!(largest <= CRLFS.len());
    }

    /// Section 3.4.2 on a whole field, written for clarity.
    fn header_model(field: &[u8]) -> Vec<u8> {
        let colon = field.iter().position(|b| *b == b':').unwrap_or(field.len());
        let (name, value) = field.split_at(colon);
        let unfolded = |text: &[u8]| {
            let (mut out, mut rest) = (Vec::new(), text);
            while let [byte, after @ ..] = rest {
                rest = after;
                match byte {
                    b'\r' if rest.starts_with(b"\n") => rest = &rest[1..],
                    b' ' | b'\t' if matches!(out.last(), None | Some(b' ')) => {}
                    b' ' | b'\t' => out.push(b' '),
                    _ => out.push(*byte),
                }
            }
            if out.last() == Some(&b' ') {
                out.pop();
            }
            out
        };
        let name = unfolded(name).to_ascii_lowercase();
        [name, b":".to_vec(), unfolded(value.get(1..).unwrap_or(&[]))].concat()
    }

    /// Long enough for each way of passing and for more than one buffer, with runs around
    /// every boundary of a block or word.
    #[test]
    fn long_bodies_equal_the_model_at_any_chunk() {
        let mut state = 1u32;
        let mut below = |n: u32| {
            state = state.wrapping_mul(1_103_515_245).wrapping_add(12345);
            (state >> 16) % n
        };
        for dense in [false, true] {
            let mut text = Vec::new();
            while text.len() < 3 * GATHER {
                let most = if dense { 12 } else { 150 };
                let word = below(most) as usize;
                text.extend(core::iter::repeat_n(b'x', word));
                let gaps: [&[u8]; 8] = [
                    b" ",
                    b" ",
                    b"  ",
                    b"\t",
                    b" \r\n",
                    b"\r\n",
                    b" \r",
                    b"\t \t \t \t \t",
                ];
                text.extend_from_slice(gaps[below(8) as usize]);
            }
            text.extend_from_slice(&[b'y'; LARGE + 1]);
            text.extend_from_slice(b" \t\r\n\r\n");
            for kind in [Canonicalization::Simple, Canonicalization::Relaxed] {
                let want = model(kind, &text);
                for size in (1..40).chain([GATHER - 1, GATHER, text.len()]) {
                    let chunks: Vec<&[u8]> = text.chunks(size).collect();
                    assert!(body(kind, &chunks) == want, "{kind}, chunks of {size}");
                }
            }
        }
    }

    fn soup() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => Just(b"\r\n".to_vec()),
            3 => Just(b" ".to_vec()),
            2 => Just(b"\t".to_vec()),
            1 => Just(b"\r".to_vec()),
            1 => Just(b"\n".to_vec()),
            3 => Just(b"a".to_vec()),
            1 => proptest::collection::vec(prop_oneof![Just(b'x'), Just(b' ')], 30..70),
            1 => (1usize..100).prop_map(|n| b"y".repeat(n)),
            1 => (1usize..40).prop_map(|n| b" \t".repeat(n)),
        ];
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn fields_equal_the_model(name in "[A-Za-z-]{1,12}[ \t]{0,2}", value in soup()) {
            let field = [name.as_bytes(), b":", &value].concat();
            let mut out = Vec::new();
            header_field(Canonicalization::Relaxed, &field, &mut out);
            prop_assert_eq!(out, header_model(&field));
            let mut out = b"x".to_vec();
            header_field(Canonicalization::Relaxed, &value, &mut out);
            prop_assert_eq!(&out[1..], header_model(&value));
        }

        #[test]
        fn equals_the_model_at_any_split(text in soup(), cuts in proptest::collection::vec(0usize..400, 0..4)) {
            for kind in [Canonicalization::Simple, Canonicalization::Relaxed] {
                let want = model(kind, &text);
                prop_assert_eq!(&body(kind, &[&text]), &want);
                let bytes: Vec<&[u8]> = text.chunks(1).collect();
                prop_assert_eq!(&body(kind, &bytes), &want);
                let mut cuts: Vec<usize> = cuts.iter().map(|c| c % (text.len() + 1)).collect();
                cuts.push(text.len());
                cuts.sort_unstable();
                let mut at = 0;
                let chunks: Vec<&[u8]> = cuts.iter().map(|c| { let s = &text[at..*c]; at = *c; s }).collect();
                prop_assert_eq!(&body(kind, &chunks), &want);
            }
        }
    }
}
