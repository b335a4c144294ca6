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

impl fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Simple => "simple",
            Self::Relaxed => "relaxed",
        })
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
fn unfold(text: &[u8], out: &mut Vec<u8>) {
    let mut blank = false;
    let mut any = false;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b' ' | b'\t' => blank = true,
            b'\r' if text.get(at) == Some(&b'\n') => at += 1,
            _ => {
                if blank && any {
                    out.push(b' ');
                }
                blank = false;
                any = true;
                out.push(byte);
            }
        }
    }
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
        while data[..kept].ends_with(b"\r\n") {
            kept -= 2;
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

/// First stage, relaxed. What it lets through is gathered, so that the next
/// stage and the hash are not called for each word of a text.
struct Relax {
    /// A run of white space whose meaning depends on what follows.
    blank: bool,
    /// That run was followed by a CR; a LF makes it a line end.
    blank_cr: bool,
    gathered: Box<[u8; GATHER]>,
    used: usize,
}

const GATHER: usize = 4096;

impl Relax {
    fn new() -> Self {
        Self {
            blank: false,
            blank_cr: false,
            gathered: Box::new([0; GATHER]),
            used: 0,
        }
    }

    fn write<S: Sink>(&mut self, mut data: &[u8], next: &mut Lines<S>) {
        while let Some(&first) = data.first() {
            if self.blank_cr {
                self.blank_cr = false;
                self.blank = false;
                // Otherwise a bare CR in the text, with a space before it.
                self.pass(if first == b'\n' { b"\r" } else { b" \r" }, next);
            } else if self.blank {
                let run = data
                    .iter()
                    .take_while(|b| matches!(b, b' ' | b'\t'))
                    .count();
                data = &data[run..];
                match data {
                    [] => return,
                    [b'\r', b'\n', ..] => self.blank = false,
                    [b'\r'] => {
                        self.blank_cr = true;
                        return;
                    }
                    _ => {
                        self.blank = false;
                        self.pass(b" ", next);
                    }
                }
            }
            let plain = rewrite_at(data).unwrap_or(data.len());
            self.pass(&data[..plain], next);
            data = &data[plain..];
            self.blank = !data.is_empty();
        }
    }

    fn pass<S: Sink>(&mut self, bytes: &[u8], next: &mut Lines<S>) {
        if bytes.len() > GATHER - self.used {
            self.flush(next);
            if bytes.len() >= GATHER {
                next.put(bytes);
                return;
            }
        }
        self.gathered[self.used..self.used + bytes.len()].copy_from_slice(bytes);
        self.used += bytes.len();
    }

    fn flush<S: Sink>(&mut self, next: &mut Lines<S>) {
        next.put(&self.gathered[..self.used]);
        self.used = 0;
    }

    fn finish<S: Sink>(mut self, next: &mut Lines<S>) {
        if self.blank_cr {
            self.pass(b" \r", next);
        }
        self.flush(next);
    }
}

/// The first white space that relaxed canonicalisation may change: a tab, or a
/// space with more white space, a CR, or nothing yet behind it. A single space
/// inside a line passes, which is what keeps ordinary text in long pieces.
fn rewrite_at(data: &[u8]) -> Option<usize> {
    const BLOCK: usize = 32;
    let changes = |byte: u8, next: u8| {
        (byte == b'\t') | ((byte == b' ') & ((next == b' ') | (next == b'\t') | (next == b'\r')))
    };
    let mut at = 0;
    // Whole blocks without a branch inside, for the compiler to vectorise.
    while let Some(window) = data.get(at..=at + BLOCK) {
        let pairs = || window[..BLOCK].iter().zip(&window[1..]);
        if pairs().fold(false, |hit, (byte, next)| hit | changes(*byte, *next)) {
            return pairs()
                .position(|(byte, next)| changes(*byte, *next))
                .map(|n| at + n);
        }
        at += BLOCK;
    }
    let rest = &data[at..];
    rest.iter()
        .enumerate()
        .position(|(i, byte)| match rest.get(i + 1) {
            Some(next) => changes(*byte, *next),
            None => matches!(byte, b' ' | b'\t'),
        })
        .map(|n| at + n)
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

    fn soup() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => Just(b"\r\n".to_vec()),
            3 => Just(b" ".to_vec()),
            2 => Just(b"\t".to_vec()),
            1 => Just(b"\r".to_vec()),
            1 => Just(b"\n".to_vec()),
            3 => Just(b"a".to_vec()),
            1 => proptest::collection::vec(prop_oneof![Just(b'x'), Just(b' ')], 30..70),
        ];
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

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
