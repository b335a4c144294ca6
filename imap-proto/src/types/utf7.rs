//! Modified UTF-7 (RFC 3501 section 5.1.3): mailbox names on the wire.

use alloc::{borrow::Cow, string::String, vec::Vec};

use base64::{
    Engine,
    alphabet::IMAP_MUTF7,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::Invalid;

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false),
);
const RULE: &str = "RFC 3501 5.1.3";

const fn is_direct(b: u8) -> bool {
    matches!(b, 0x20..=0x7e)
}

/// Decodes strictly: what a canonical encoder would not write is refused, so that
/// no two names on the wire are the same mailbox.
///
/// # Errors
///
/// [`Invalid`] for 8-bit or control bytes, a shift that is not closed, padded, or
/// follows another, bits left over, lone surrogates, and printable ASCII in base64.
pub fn decode(wire: &[u8]) -> Result<Cow<'_, str>, Invalid> {
    let bad = |what| Invalid { what, rule: RULE };
    if !wire.iter().copied().all(is_direct) {
        return Err(bad(
            "an 8-bit or control byte in a mailbox name; encode it in modified UTF-7",
        ));
    }
    let text = core::str::from_utf8(wire).unwrap_or_default();
    if !text.contains('&') {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_shift = false;
    while let Some((direct, shifted)) = rest.split_once('&') {
        out.push_str(direct);
        let (code, behind) = shifted
            .split_once('-')
            .ok_or(bad("a shift without its `-`"))?;
        rest = behind;
        if code.is_empty() {
            out.push('&');
            after_shift = false;
            continue;
        }
        if after_shift && direct.is_empty() {
            return Err(bad("a shift right behind another"));
        }
        after_shift = true;
        decode_shift(code, &mut out)?;
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

fn decode_shift(code: &str, out: &mut String) -> Result<(), Invalid> {
    let bad = |what| Invalid { what, rule: RULE };
    let bytes = ENGINE
        .decode(code)
        .map_err(|_| bad("a shift that is not modified base64"))?;
    let (units, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(bad("a shift of half a UTF-16 unit"));
    }
    for c in char::decode_utf16(units.iter().map(|u| u16::from_be_bytes(*u))) {
        match c {
            Ok(c) if c.is_ascii() && is_direct(c as u8) => {
                return Err(bad("printable ASCII in a shift"));
            }
            Ok(c) => out.push(c),
            Err(_) => return Err(bad("half a surrogate pair")),
        }
    }
    Ok(())
}

/// Encodes canonically; a name of printable ASCII without `&` is itself.
#[must_use]
pub fn encode(name: &str) -> Cow<'_, str> {
    if name.bytes().all(|b| is_direct(b) && b != b'&') {
        return Cow::Borrowed(name);
    }
    let mut out = String::with_capacity(name.len() * 2);
    let mut pending: Vec<u8> = Vec::new();
    let flush = |pending: &mut Vec<u8>, out: &mut String| {
        if !pending.is_empty() {
            out.push('&');
            ENGINE.encode_string(&*pending, out);
            out.push('-');
            pending.clear();
        }
    };
    for c in name.chars() {
        if c.is_ascii() && is_direct(c as u8) {
            flush(&mut pending, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0; 2];
            pending.extend(
                c.encode_utf16(&mut units)
                    .iter()
                    .flat_map(|u| u.to_be_bytes()),
            );
        }
    }
    flush(&mut pending, &mut out);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_rfc() {
        for (wire, name) in [
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("&Jjo-!", "☺!"),
            ("&U,BTF2XlZyyKng-", "台北日本語"),
            ("Tom &- Jerry", "Tom & Jerry"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("&2D3eAA-", "😀"),
            ("&-&-&AOQ-", "&&ä"),
            ("&AOQ-&-", "ä&"),
        ] {
            assert_eq!(decode(wire.as_bytes()).unwrap(), name);
            assert_eq!(encode(name), wire);
        }
    }

    #[test]
    fn is08_what_a_canonical_encoder_would_not_write_is_refused() {
        for bad in [
            "&",
            "a&AOQ",
            "&AOQ",
            "&Jjo!",
            "&U,BTFw-&ZeVnLIqe-",
            "&AGE-",
            "&2D0-",
            "&3gA-",
            "&AOR-",
            "&AO-",
            "&A-",
            "&AOQ=-",
            "&AA/k-",
            "& -",
            "\u{e4}",
            "\0",
            "a\r\nb",
            "\x7f",
            "&ACY-",
        ] {
            assert!(decode(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn what_is_encoded_comes_back(name in "[ -~äßЖ日😀&\u{1}-\u{1f}]{0,12}") {
            let wire = encode(&name);
            let back = decode(wire.as_bytes()).unwrap();
            prop_assert_eq!(back, name.as_str());
        }

        #[test]
        fn one_name_has_one_encoding(wire in "[a&,A-E0-9-]{0,14}") {
            if let Ok(name) = decode(wire.as_bytes()) {
                prop_assert_eq!(encode(&name), wire.as_str());
            }
        }
    }
}
