//! Whether bytes are of a charset, as they pass: the same answer as
//! [`decode_charset`](crate::decode_charset) gives of the whole, without the text.

use alloc::vec::Vec;

use crate::value::charset;

/// The check of one text.
#[derive(Debug)]
pub(super) enum CharsetCheck {
    Ascii,
    Utf8(Utf8),
    #[cfg(feature = "charsets")]
    Other(alloc::boxed::Box<encoding_rs::Decoder>),
    /// Every byte is of it, or nothing but the whole can tell.
    Any,
    Found,
}

/// The bytes of a character that is not complete.
#[derive(Debug, Default)]
pub(super) struct Utf8(Vec<u8>);

impl CharsetCheck {
    /// `None` when nobody knows the label.
    pub(super) fn new(label: &[u8]) -> Option<Self> {
        charset::decode(label, b"")?;
        let (_, lossy) = charset::decode(label, b"\xc3\xbc")?;
        let (text, _) = charset::decode(label, b"\xe2\x82\xac")?;
        if text == "\u{20ac}" {
            return Some(match lossy {
                true => CharsetCheck::Ascii,
                false => CharsetCheck::Utf8(Utf8::default()),
            });
        }
        #[cfg(feature = "charsets")]
        if let Some(encoding) = encoding_rs::Encoding::for_label_no_replacement(label) {
            let decoder = encoding.new_decoder_without_bom_handling();
            return Some(CharsetCheck::Other(decoder.into()));
        }
        Some(CharsetCheck::Any)
    }

    /// Whether the next bytes show for the first time that something is not of it.
    pub(super) fn is_foreign(&mut self, data: &[u8], last: bool) -> bool {
        let foreign = match self {
            CharsetCheck::Ascii => !data.is_ascii(),
            CharsetCheck::Utf8(check) => check.is_foreign(data, last),
            #[cfg(feature = "charsets")]
            CharsetCheck::Other(decoder) => has_errors(decoder, data, last),
            CharsetCheck::Any | CharsetCheck::Found => false,
        };
        if foreign {
            *self = CharsetCheck::Found;
        }
        foreign
    }
}

#[cfg(feature = "charsets")]
fn has_errors(decoder: &mut encoding_rs::Decoder, data: &[u8], last: bool) -> bool {
    let mut space = [0; 2048];
    let mut rest = data;
    let mut errors = false;
    loop {
        let (result, read, _, bad) = decoder.decode_to_utf8(rest, &mut space, last);
        errors |= bad;
        rest = rest.get(read..).unwrap_or_default();
        if result == encoding_rs::CoderResult::InputEmpty {
            return errors;
        }
    }
}

impl Utf8 {
    fn is_foreign(&mut self, data: &[u8], last: bool) -> bool {
        let mut rest = data;
        while !self.0.is_empty() {
            let Some((first, behind)) = rest.split_first() else {
                return last;
            };
            self.0.push(*first);
            match core::str::from_utf8(&self.0) {
                Ok(_) => self.0.clear(),
                Err(error) if error.error_len().is_some() => return true,
                Err(_) => {}
            }
            rest = behind;
        }
        match core::str::from_utf8(rest) {
            Ok(_) => false,
            Err(error) if error.error_len().is_some() || last => true,
            Err(error) => {
                let open = rest.get(error.valid_up_to()..).unwrap_or_default();
                self.0.extend_from_slice(open);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_as_of_the_whole_at_any_cut() {
        let texts: [&[u8]; 8] = [
            b"plain",
            "\u{fc}\u{20ac}\u{1f600}".as_bytes(),
            b"\xc3",
            b"\xe2\x82x",
            b"\x1b$B$3\x1b(B",
            b"\xff\xfea\0",
            b"\x81\x30\x81",
            b"a\0\x80",
        ];
        let labels = [
            "us-ascii",
            "utf-8",
            "iso-8859-1",
            "iso-2022-jp",
            "gb18030",
            "utf-16",
            "koi8-r",
        ];
        for label in labels.map(str::as_bytes) {
            for text in texts {
                let Some((_, lossy)) = charset::decode(label, text) else {
                    continue;
                };
                for cut in 0..=text.len() {
                    let mut check = CharsetCheck::new(label).unwrap();
                    let mut found = check.is_foreign(&text[..cut], false);
                    found |= check.is_foreign(&text[cut..], false);
                    found |= check.is_foreign(b"", true);
                    assert_eq!(
                        found,
                        lossy,
                        "{} {cut} {}",
                        label.escape_ascii(),
                        text.escape_ascii()
                    );
                }
            }
        }
    }
}
