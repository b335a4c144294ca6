//! The little DER that keys need: nested SEQUENCE, INTEGER, BIT STRING, OCTET
//! STRING (ITU-T X.690), and PEM around it (RFC 7468).

use alloc::string::String;
use alloc::vec::Vec;

use crate::tags::{base64_decode, base64_encode, is_fws};

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;

/// rsaEncryption, 1.2.840.113549.1.1.1 (RFC 8017 appendix C).
pub(crate) const OID_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// id-Ed25519, 1.3.101.112 (RFC 8410 section 3).
pub(crate) const OID_ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Takes one element with `tag` off the front of `input`.
pub(crate) fn take<'a>(input: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (&first, rest) = input.split_first()?;
    let (&short, mut rest) = rest.split_first()?;
    let length = match short {
        0..=0x7f => usize::from(short),
        // Two bytes of length reach 64 KiB, beyond any key.
        0x81 | 0x82 => {
            let (bytes, after) = rest.split_at_checked(usize::from(short & 0x7f))?;
            rest = after;
            let length = bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b));
            // DER: the shortest form only.
            if length < 0x80 || (short == 0x82 && length < 0x100) {
                return None;
            }
            length
        }
        _ => return None,
    };
    let (value, after) = rest.split_at_checked(length)?;
    if first != tag {
        return None;
    }
    *input = after;
    Some(value)
}

/// The value of the only element in `input`.
pub(crate) fn only(mut input: &[u8], tag: u8) -> Option<&[u8]> {
    take(&mut input, tag).filter(|_| input.is_empty())
}

/// A positive INTEGER without its leading zero.
pub(crate) fn take_positive<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    match take(input, INTEGER)? {
        [0, rest @ ..] if rest.first().is_some_and(|b| *b >= 0x80) => Some(rest),
        value if value.first().is_some_and(|b| (1..0x80).contains(b)) => Some(value),
        _ => None,
    }
}

/// Appends an element.
pub(crate) fn put(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    out.push(tag);
    let length = value.len().to_be_bytes();
    let skip = length.iter().take_while(|b| **b == 0).count();
    match value.len() {
        0..=0x7f => out.push(value.len() as u8),
        _ => {
            out.push(0x80 | (length.len() - skip) as u8);
            out.extend_from_slice(&length[skip..]);
        }
    }
    out.extend_from_slice(value);
}

/// Appends a positive INTEGER.
pub(crate) fn put_positive(out: &mut Vec<u8>, value: &[u8]) {
    let mut padded = Vec::with_capacity(value.len() + 1);
    if value.first().is_none_or(|b| *b >= 0x80) {
        padded.push(0);
    }
    padded.extend_from_slice(value);
    put(out, INTEGER, &padded);
}

/// The first PEM block in `text`: its label and content. Text around the block
/// is allowed, headers inside it (an old form of encryption) are not.
pub(crate) fn pem_decode(text: &str) -> Option<(&str, Vec<u8>)> {
    const DASHES: &str = "-----";
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once(DASHES)?;
    let (content, rest) = rest.split_once("-----END ")?;
    let end = rest.split_once(DASHES)?.0;
    if end != label {
        return None;
    }
    let is_text = |byte: u8| byte >= b' ' || is_fws(byte);
    let content = content.as_bytes();
    let content = content.iter().copied().all(is_text).then_some(content)?;
    Some((label, base64_decode(content)?))
}

/// A PEM block with lines of 64 characters and LF.
pub(crate) fn pem_encode(label: &str, der: &[u8]) -> String {
    let text = base64_encode(der);
    let mut out = alloc::format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str(&alloc::format!("-----END {label}-----\n"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements() {
        for size in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x1234] {
            let mut out = Vec::new();
            put(&mut out, OCTET_STRING, &alloc::vec![7; size]);
            assert_eq!(only(&out, OCTET_STRING).map(<[u8]>::len), Some(size));
            assert_eq!(only(&out, INTEGER), None);
            out.pop();
            assert_eq!(only(&out, OCTET_STRING), None);
        }
        assert_eq!(
            only(&[4, 0x81, 1, 9], OCTET_STRING),
            None,
            "long form of a short length"
        );
        assert_eq!(only(&[4, 0x84, 0xff, 0xff, 0xff, 0xff], OCTET_STRING), None);
        assert_eq!(only(&[4, 1, 9, 9], OCTET_STRING), None, "trailing byte");
    }

    #[test]
    fn integers() {
        for (value, want) in [(&[0x80u8][..], &[2u8, 2, 0, 0x80][..]), (&[1], &[2, 1, 1])] {
            let mut out = Vec::new();
            put_positive(&mut out, value);
            assert_eq!(out, want);
            assert_eq!(take_positive(&mut &out[..]), Some(value));
        }
        for bad in [&[2u8, 1, 0][..], &[2, 1, 0x80], &[2, 2, 0, 1], &[2, 0]] {
            assert_eq!(take_positive(&mut &bad[..]), None);
        }
    }

    #[test]
    fn pem() {
        let text = pem_encode("X KEY", &[7; 100]);
        assert!(text.lines().all(|line| line.len() <= 64));
        assert_eq!(pem_decode(&text), Some(("X KEY", alloc::vec![7; 100])));
        assert_eq!(pem_decode(&text.replace("END X", "END Y")), None);
        assert_eq!(pem_decode(&text.replace("Bw", "B-")), None);
    }
}
