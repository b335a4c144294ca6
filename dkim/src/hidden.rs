//! What careless readers find inside a field: RFC 5322 sections 2.1 and 2.2.
//!
//! Only CRLF ends a line. To a reader that takes a bare CR or LF for one too, an unsigned
//! field can hold a second Subject, or an empty line with another body behind it, while the
//! signature is about the message that the others see (RFC 6376 section 8.15). Whoever signs
//! such a field vouches for it; whoever adds one to a signed message does so for a reason.

use alloc::vec::Vec;

use crate::header::Header;
use crate::lines;
use crate::message::SINGLE;
use crate::outcome::Reason;

/// What those fields hide that are not among `signed`, which is asked for only where some
/// field could hide anything.
pub(crate) fn hidden(header: &Header, signed: impl FnOnce() -> Vec<usize>) -> Option<Reason> {
    if header.bare_ends().is_empty() {
        return None;
    }
    let mut signed = signed();
    signed.sort_unstable();
    let odd = header.bare_ends().iter();
    odd.filter(|field| signed.binary_search(field).is_err())
        .find_map(|field| hidden_in(header.field(*field)))
}

fn hidden_in(field: &[u8]) -> Option<Reason> {
    lines::hidden(field).find_map(|(_, line)| match line {
        [] | [b'\r' | b'\n', ..] => Some(Reason::HiddenBody),
        line => {
            let mut names = SINGLE.iter();
            let name = names.find(|name| lines::value(line, name).is_some());
            name.map(|name| Reason::ExtraInstance(name))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fields_hide() {
        for (field, found) in [
            (&b"X: y"[..], None),
            (b"X: y\r\n z\r\n\t", None),
            (b"X: y\nz: a", None),
            (b"X: y\n Subject: a", None),
            (b"X: Subject: a", None),
            (b"X: y\nSubject: a", Some(Reason::ExtraInstance("Subject"))),
            (b"X: y\rsubject : a", Some(Reason::ExtraInstance("Subject"))),
            (b"X: y\r\n z\nTo\0: a", Some(Reason::ExtraInstance("To"))),
            (
                b"X: y\nz\nContent-Type:",
                Some(Reason::ExtraInstance("Content-Type")),
            ),
            (b"X: y\n\nbody", Some(Reason::HiddenBody)),
            (b"X: y\r\rbody", Some(Reason::HiddenBody)),
            (b"X: y\n\r\n z", Some(Reason::HiddenBody)),
            // Behind the field comes its CRLF.
            (b"X: y\n", Some(Reason::HiddenBody)),
            (b"X: y\r", Some(Reason::HiddenBody)),
        ] {
            assert_eq!(hidden_in(field), found, "{}", field.escape_ascii());
        }
    }
}
