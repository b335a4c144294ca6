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
mod tests;
