//! Character sets as the bytes come.

use alloc::string::String;

use super::charset::{Charset, Kind};
use super::utf7::Utf7;

/// Decodes text that comes in pieces of any size; memory does not grow with it.
///
/// The text is that of [`decode_charset`](crate::decode_charset), however the bytes are
/// cut, but for US-ASCII that has bytes above 127: what cannot be UTF-8 any more is read
/// as windows-1252 from there on, where `decode_charset` reads all of it so.
///
/// ```
/// use scop_mime::CharsetDecoder;
///
/// let mut decoder = CharsetDecoder::new(b"utf-8").unwrap();
/// let mut text = String::new();
/// for piece in [&b"gr\xc3"[..], b"\xbc\xc3", b"\x9f"] {
///     decoder.decode(piece, &mut text);
/// }
/// decoder.finish(&mut text);
/// assert_eq!((text.as_str(), decoder.is_lossy()), ("grüß", false));
/// assert!(CharsetDecoder::new(b"klingon").is_none());
/// ```
pub struct CharsetDecoder {
    state: State,
    lossy: bool,
    /// Bytes that were given.
    passed: u64,
    /// Where the first byte that is not of the charset is, if that is known.
    bad_at: Option<u64>,
}

enum State {
    Utf8(Held),
    /// As UTF-8 as long as it is that.
    Ascii(Held),
    Utf7(Utf7),
    #[cfg(feature = "charsets")]
    Other(encoding_rs::Decoder),
    #[cfg(not(feature = "charsets"))]
    Latin,
}

/// The start of a character whose rest is still to come.
#[derive(Clone, Copy, Default)]
struct Held {
    bytes: [u8; 4],
    length: usize,
}

impl CharsetDecoder {
    /// A decoder for the character set that `label` names; `None` when nobody knows the
    /// name.
    #[must_use]
    pub fn new(label: &[u8]) -> Option<Self> {
        let state = match Charset::for_label(label)?.0 {
            Kind::Utf8 => State::Utf8(Held::default()),
            Kind::Ascii | Kind::Unknown => State::Ascii(Held::default()),
            Kind::Utf7 => State::Utf7(Utf7::default()),
            #[cfg(feature = "charsets")]
            Kind::Utf16 => State::Other(encoding_rs::UTF_16LE.new_decoder()),
            #[cfg(feature = "charsets")]
            Kind::Other(encoding) => State::Other(encoding.new_decoder_without_bom_handling()),
            #[cfg(not(feature = "charsets"))]
            Kind::Latin => latin(),
        };
        Some(CharsetDecoder {
            state,
            lossy: false,
            passed: 0,
            bad_at: None,
        })
    }

    /// Decodes the next bytes and appends what is complete to `out`.
    pub fn decode(&mut self, input: &[u8], out: &mut String) {
        let was_lossy = self.lossy;
        let bad = self.take(input, out);
        if let (false, Some(bad)) = (was_lossy, bad) {
            self.bad_at = Some(self.passed.saturating_add_signed(bad));
        }
        self.passed += input.len() as u64;
    }

    /// The same; gives where the first byte that is not of the charset is in `input`, or
    /// how far before it, if that is known.
    fn take(&mut self, input: &[u8], out: &mut String) -> Option<i64> {
        let mut first = None;
        match &mut self.state {
            State::Utf8(held) => {
                let mut rest = input;
                while let Some((bad, after)) = held.decode(rest, out) {
                    let end = input.len() - after.len();
                    first = first.or(Some(end as i64 - bad.length as i64));
                    out.push(char::REPLACEMENT_CHARACTER);
                    self.lossy = true;
                    rest = after;
                }
            }
            State::Ascii(held) => {
                // It says ASCII, and is more than that.
                first = input.iter().position(|b| !b.is_ascii()).map(|at| at as i64);
                self.lossy |= first.is_some();
                if let Some((bad, rest)) = held.decode(input, out) {
                    let (bad, length) = (bad.bytes, bad.length);
                    self.state = latin();
                    self.take(bad.get(..length).unwrap_or_default(), out);
                    self.take(rest, out);
                }
            }
            State::Utf7(decoder) => {
                decoder.decode(input, out);
                self.lossy |= decoder.is_lossy();
            }
            #[cfg(feature = "charsets")]
            State::Other(decoder) => self.lossy |= decode(decoder, input, out, false),
            #[cfg(not(feature = "charsets"))]
            State::Latin => out.extend(input.iter().map(|b| super::charset::latin_char(*b))),
        }
        first
    }

    /// The text is over: appends what is left.
    pub fn finish(&mut self, out: &mut String) {
        match &mut self.state {
            State::Utf8(held) if held.length > 0 => {
                let at = self.passed.saturating_sub(held.length as u64);
                self.bad_at = self.bad_at.or((!self.lossy).then_some(at));
                held.length = 0;
                out.push(char::REPLACEMENT_CHARACTER);
                self.lossy = true;
            }
            State::Ascii(held) if held.length > 0 => {
                let (bad, length) = (held.bytes, held.length);
                self.state = latin();
                self.take(bad.get(..length).unwrap_or_default(), out);
                self.finish(out);
            }
            State::Utf8(_) | State::Ascii(_) => {}
            State::Utf7(decoder) => {
                decoder.finish(out);
                self.lossy |= decoder.is_lossy();
            }
            #[cfg(feature = "charsets")]
            State::Other(decoder) => self.lossy |= decode(decoder, &[], out, true),
            #[cfg(not(feature = "charsets"))]
            State::Latin => {}
        }
    }

    /// Some bytes so far were not of the charset.
    #[must_use]
    pub fn is_lossy(&self) -> bool {
        self.lossy
    }

    /// Where the first byte that is not of the charset is in what was given; `None` of a
    /// charset in which that cannot be told.
    pub(crate) fn bad_at(&self) -> Option<u64> {
        self.bad_at
    }
}

impl core::fmt::Debug for CharsetDecoder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CharsetDecoder")
            .field("lossy", &self.lossy)
            .finish_non_exhaustive()
    }
}

impl Held {
    /// Decodes up to what is no UTF-8: gives that, and what is behind it.
    fn decode<'i>(&mut self, input: &'i [u8], out: &mut String) -> Option<(Held, &'i [u8])> {
        let mut rest = input;
        while self.length > 0 {
            let (byte, after) = rest.split_first()?;
            let mut joined = *self;
            joined.push(*byte);
            match core::str::from_utf8(joined.bytes.get(..joined.length)?) {
                Ok(text) => out.push_str(text),
                Err(error) if error.error_len().is_none() => {
                    *self = joined;
                    rest = after;
                    continue;
                }
                Err(_) => return Some((core::mem::take(self), rest)),
            }
            *self = Held::default();
            rest = after;
        }
        let error = match core::str::from_utf8(rest) {
            Ok(text) => {
                out.push_str(text);
                return None;
            }
            Err(error) => error,
        };
        let (good, bad) = rest.split_at_checked(error.valid_up_to())?;
        out.push_str(core::str::from_utf8(good).unwrap_or_default());
        let (bad, rest) = bad.split_at_checked(error.error_len().unwrap_or(bad.len()))?;
        let mut held = Held::default();
        bad.iter().for_each(|byte| held.push(*byte));
        if error.error_len().is_none() {
            *self = held;
            return None;
        }
        Some((held, rest))
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }
}

#[cfg(feature = "charsets")]
fn latin() -> State {
    State::Other(encoding_rs::WINDOWS_1252.new_decoder_without_bom_handling())
}

#[cfg(feature = "charsets")]
fn decode(
    decoder: &mut encoding_rs::Decoder,
    mut input: &[u8],
    out: &mut String,
    last: bool,
) -> bool {
    let mut lossy = false;
    loop {
        // It fills what room there is. Most text takes no more than that.
        out.reserve(input.len() + 32);
        let (result, read, bad) = decoder.decode_to_string(input, out, last);
        lossy |= bad;
        input = input.get(read..).unwrap_or_default();
        if result == encoding_rs::CoderResult::InputEmpty {
            return lossy;
        }
    }
}

#[cfg(not(feature = "charsets"))]
fn latin() -> State {
    State::Latin
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode_charset;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn stream(label: &[u8], pieces: &[&[u8]]) -> (String, bool) {
        let mut decoder = CharsetDecoder::new(label).unwrap();
        let mut out = String::new();
        for piece in pieces {
            decoder.decode(piece, &mut out);
        }
        decoder.finish(&mut out);
        (out, decoder.is_lossy())
    }

    #[test]
    fn ascii_that_is_more_is_read_as_it_can_be() {
        let utf8 = "grüß".as_bytes();
        assert_eq!(stream(b"us-ascii", &[utf8]), ("grüß".to_string(), true));
        let pieces: Vec<&[u8]> = utf8.chunks(1).collect();
        assert_eq!(stream(b"us-ascii", &pieces), ("grüß".to_string(), true));
        let mixed = b"gr\xc3\xbc\xdf, \xc3\xbc";
        for size in 1..=mixed.len() {
            let pieces: Vec<&[u8]> = mixed.chunks(size).collect();
            assert_eq!(stream(b"ascii", &pieces).0, "grüß, Ã¼", "{size}");
        }
        assert_eq!(stream(b"ascii", &[b"x\xc3"]), ("xÃ".to_string(), true));
        assert_eq!(stream(b"ascii", &[b"x"]), ("x".to_string(), false));
    }

    #[cfg(feature = "charsets")]
    const LABELS: &[&str] = &[
        "utf-8",
        "latin1",
        "koi8-r",
        "shift_jis",
        "iso-2022-jp",
        "gb18030",
        "big5",
        "euc-kr",
        "utf-16le",
        "utf-16",
        "utf-7",
        "windows-1252",
    ];
    #[cfg(not(feature = "charsets"))]
    const LABELS: &[&str] = &["utf-8", "utf-7", "latin1"];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn cuts_change_nothing(
            text in prop::collection::vec(prop_oneof![any::<u8>(), 0x80u8..0xc0, Just(0xe2), Just(0xf0), Just(0x1b), Just(b'$'), Just(b'+'), Just(b'-'), Just(b'A')], 0..40),
            cut in 1usize..9,
        ) {
            for label in LABELS {
                let label = label.as_bytes();
                let (want, lossy) = decode_charset(label, &text).unwrap();
                let pieces: Vec<&[u8]> = text.chunks(cut).collect();
                prop_assert_eq!(stream(label, &pieces), (want.to_string(), lossy));
            }
        }
    }
}
