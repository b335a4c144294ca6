//! quoted-printable (RFC 2045 6.7).

use alloc::vec::Vec;

use crate::decode::swar::{WORD, below, equal, first, high};
use crate::decode::{Length, Sink};

/// Characters on a line before the `=` of a soft line break.
const LINE: usize = 75;

/// What must be known behind a byte to encode it: `From ` is the longest.
const AHEAD: usize = 5;

const HEX: [[u8; 3]; 256] = {
    let mut hex = [[b'='; 3]; 256];
    let digits = b"0123456789ABCDEF";
    let mut i = 0;
    while i < 256 {
        hex[i] = [b'=', digits[i >> 4], digits[i & 15]];
        i += 1;
    }
    hex
};

/// Encodes quoted-printable, in lines of at most 76 characters. White space at the end
/// of a line is escaped, and so are `.` and the F of `From ` at the start of one, which
/// some relays and mailboxes would change (RFC 2049 3).
///
/// ```
/// use scop_mime::EncodeQuotedPrintable;
///
/// let mut out = Vec::new();
/// let mut encoder = EncodeQuotedPrintable::binary();
/// encoder.encode(b"a=b\r\n", &mut out);
/// encoder.finish(&mut out);
/// assert_eq!(out, b"a=3Db=0D=0A");
/// assert_eq!(EncodeQuotedPrintable::text().encoded_len(b"a=b\r\n"), 7);
/// ```
#[derive(Clone, Debug)]
pub struct EncodeQuotedPrintable {
    binary: bool,
    column: usize,
    /// What cannot be encoded until it is known what follows.
    held: [u8; AHEAD],
    length: usize,
}

impl EncodeQuotedPrintable {
    /// For text: CRLF is a line end and stays one; CR or LF alone is escaped.
    #[must_use]
    pub const fn text() -> Self {
        EncodeQuotedPrintable {
            binary: false,
            column: 0,
            held: [0; AHEAD],
            length: 0,
        }
    }

    /// For anything else: every CR and LF is escaped.
    #[must_use]
    pub const fn binary() -> Self {
        EncodeQuotedPrintable {
            binary: true,
            ..Self::text()
        }
    }

    /// The length of what would be made of `input` and the end of the body. Allocates
    /// nothing.
    #[must_use]
    pub fn encoded_len(&self, input: &[u8]) -> u64 {
        let (mut encoder, mut length) = (self.clone(), Length(0));
        encoder.put(input, &mut length);
        encoder.end(&mut length);
        length.0
    }

    /// Encodes the next bytes and appends what is sure to `out`.
    pub fn encode(&mut self, input: &[u8], out: &mut Vec<u8>) {
        out.reserve(input.len() + input.len() / 32);
        self.put(input, out);
    }

    /// The body is over: appends what is left.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.end(out);
    }

    fn put<S: Sink>(&mut self, input: &[u8], out: &mut S) {
        let mut rest = input;
        if self.length > 0 {
            let mut joined = [0; 4 * AHEAD];
            let held = self.held.get(..self.length).unwrap_or_default();
            let both = held.iter().chain(rest);
            let mut length = 0;
            for (to, from) in joined.iter_mut().zip(both) {
                *to = *from;
                length += 1;
            }
            let joined = joined.get(..length).unwrap_or_default();
            let (held, taken) = (self.length, self.run(joined, false, out));
            self.length = 0;
            if taken < held {
                // There was no more.
                return self.hold(joined.get(taken..).unwrap_or_default());
            }
            rest = rest.get(taken - held..).unwrap_or_default();
        }
        let taken = self.run(rest, false, out);
        self.hold(rest.get(taken..).unwrap_or_default());
    }

    fn end<S: Sink>(&mut self, out: &mut S) {
        let held = self.held;
        self.run(held.get(..self.length).unwrap_or_default(), true, out);
        *self = match self.binary {
            true => Self::binary(),
            false => Self::text(),
        };
    }

    fn hold(&mut self, rest: &[u8]) {
        for (to, from) in self.held.iter_mut().zip(rest) {
            *to = *from;
        }
        self.length = rest.len().min(AHEAD);
    }

    /// Encodes what can be; gives how much of `input` that is: all but less than
    /// [`AHEAD`], all of the `last`.
    fn run<S: Sink>(&mut self, input: &[u8], last: bool, out: &mut S) -> usize {
        let mut at = 0;
        while let Some(rest) = input.get(at..)
            && let [byte, behind @ ..] = rest
        {
            let n = self.plain(rest);
            if n > 0 {
                out.extend(rest.get(..n).unwrap_or_default());
                self.column += n;
                at += n;
                continue;
            }
            if *byte >= 0x80 && self.column + 3 <= LINE {
                self.escape(*byte, out);
                at += 1;
                continue;
            }
            if rest.len() < AHEAD && !last {
                break;
            }
            if !self.binary && rest.starts_with(b"\r\n") {
                out.extend(b"\r\n");
                self.column = 0;
                at += 2;
                continue;
            }
            // Behind the last character of a line there is no soft line break.
            let ends = behind.is_empty() || (!self.binary && behind.starts_with(b"\r\n"));
            let literal = match byte {
                b' ' | b'\t' => !ends,
                b'=' => false,
                byte => byte.is_ascii_graphic(),
            } && !self.is_risky(rest);
            let width = if literal { 1 } else { 3 };
            if self.column + width > LINE + usize::from(ends) {
                out.extend(b"=\r\n");
                self.column = 0;
                continue;
            }
            match literal {
                true => {
                    out.extend(&[*byte]);
                    self.column += 1;
                }
                false => self.escape(*byte, out),
            }
            at += 1;
        }
        at
    }

    fn escape<S: Sink>(&mut self, byte: u8, out: &mut S) {
        out.extend(HEX.get(usize::from(byte)).unwrap_or(&[b'='; 3]));
        self.column += 3;
    }

    /// At the start of a line, what must not be there.
    fn is_risky(&self, rest: &[u8]) -> bool {
        self.column == 0 && (rest.starts_with(b".") || rest.starts_with(b"From "))
    }

    /// How much of `rest` stays as it is, whatever follows, and fits the line.
    fn plain(&self, rest: &[u8]) -> usize {
        let window = rest.get(..LINE.saturating_sub(self.column));
        let n = plain_length(window.unwrap_or(rest));
        let first = rest.first().copied().unwrap_or(0);
        if n == 0 || (self.column == 0 && matches!(first, b'.' | b'F')) {
            let harmless = first == b'F' && rest.len() >= AHEAD && !self.is_risky(rest);
            return usize::from(n > 0 && harmless);
        }
        // White space may be the end of the line.
        let at_end = rest.get(n - 1) == Some(&b' ') && matches!(rest.get(n), None | Some(b'\r'));
        n - usize::from(at_end)
    }
}

/// How many bytes at the start of `text` are printable characters but `=`, or spaces.
pub(crate) fn plain_length(text: &[u8]) -> usize {
    let mut length = 0;
    let (words, rest) = text.as_chunks::<WORD>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let special = high(word) | below(word, b' ') | equal(word, b'=') | equal(word, 0x7f);
        if let Some(n) = first(special) {
            return length + n;
        }
        length += WORD;
    }
    let special = |b: &u8| !matches!(b, b' '..=b'~') || *b == b'=';
    length + rest.iter().position(special).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, TransferEncoding};
    use alloc::format;
    use alloc::string::String;
    use proptest::prelude::*;

    fn encode(mut encoder: EncodeQuotedPrintable, text: &[u8], cut: usize) -> String {
        let mut out = Vec::new();
        let length = encoder.encoded_len(text);
        text.chunks(cut)
            .for_each(|chunk| encoder.encode(chunk, &mut out));
        encoder.finish(&mut out);
        assert_eq!(out.len() as u64, length);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rfc2045_section_6_7() {
        for (text, encoded) in [
            ("a=b", "a=3Db"),
            ("a \r\nb\t\r\nc ", "a=20\r\nb=09\r\nc=20"),
            ("a  \r\n", "a =20\r\n"),
            ("a\rb\nc", "a=0Db=0Ac"),
            ("a\tb", "a\tb"),
            ("\u{7f}\0é", "=7F=00=C3=A9"),
            (".\r\n.a\r\nb.", "=2E\r\n=2Ea\r\nb."),
            ("From a\r\nFrom\r\nF", "=46rom a\r\nFrom\r\nF"),
            ("", ""),
            ("\r\n\r\n", "\r\n\r\n"),
        ] {
            assert_eq!(
                encode(EncodeQuotedPrintable::text(), text.as_bytes(), 99),
                encoded
            );
        }
        let text = |n| encode(EncodeQuotedPrintable::text(), &b"x".repeat(n), 200);
        assert_eq!(text(76), "x".repeat(76));
        assert_eq!(text(77), format!("{}=\r\nxx", "x".repeat(75)));
        let line = format!("{}\r\n", "x".repeat(76));
        assert_eq!(
            encode(EncodeQuotedPrintable::text(), line.as_bytes(), 9),
            line
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn quoted_printable_is_what_it_was_made_of(text in "([ -~]{0,90}|é{0,40}|\r\n|\r|\n| {1,4}|\t|From |\\.|=|\u{7f}|\0)*", cut in 1usize..40, binary: bool) {
            let encoder = if binary { EncodeQuotedPrintable::binary() } else { EncodeQuotedPrintable::text() };
            let encoded = encode(encoder.clone(), text.as_bytes(), usize::MAX);
            prop_assert_eq!(&encode(encoder, text.as_bytes(), cut), &encoded);
            prop_assert!(encoded.is_ascii());
            for line in encoded.split('\n') {
                let line = line.strip_suffix('\r').unwrap_or(line);
                prop_assert!(line.len() <= 76 && !line.contains('\r') && !line.ends_with([' ', '\t']), "{}", line);
                prop_assert!(!line.starts_with('.') && !line.starts_with("From "), "{}", line);
            }
            let mut decoder = Decoder::new(&TransferEncoding::QuotedPrintable);
            let mut back = Vec::new();
            decoder.decode(encoded.as_bytes(), &mut back);
            decoder.finish(&mut back);
            prop_assert_eq!(back, text.as_bytes());
            prop_assert_eq!(decoder.defects(), &[]);
        }
    }
}
