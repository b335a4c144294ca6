//! The two kinds of codes.

use alloc::vec::Vec;
use core::{fmt, str::FromStr};

use super::BadReply;

/// What a code's first digit says (RFC 5321 section 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// 2yz: the command was carried out.
    Positive,
    /// 3yz: the command was understood, more is wanted.
    Intermediate,
    /// 4yz: it failed, and may succeed later.
    Transient,
    /// 5yz: it failed, and will again.
    Permanent,
}

/// A reply code, kept digit by digit.
///
/// ```
/// use scop_smtp_proto::{Code, Severity};
///
/// let code = Code::new(452)?;
/// assert_eq!((code.get(), code.severity()), (452, Severity::Transient));
/// assert!(Code::new(1250).is_err());
/// # Ok::<(), scop_smtp_proto::BadReply>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

impl Code {
    /// 250.
    pub(crate) const OK: Code = Code(250);

    /// A code to send: first digit 2 to 5, second 0 to 5, third any.
    ///
    /// # Errors
    ///
    /// [`BadReply::Code`].
    pub const fn new(code: u16) -> Result<Self, BadReply> {
        match code {
            200..=599 if code / 10 % 10 <= 5 => Ok(Code(code)),
            _ => Err(BadReply::Code(code)),
        }
    }

    /// A code as it came: the second digit may be any.
    pub(super) fn read(digits: [u8; 3]) -> Option<Self> {
        match digits {
            [a @ b'2'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                let digit = |d: u8| u16::from(d - b'0');
                Some(Code(digit(a) * 100 + digit(b) * 10 + digit(c)))
            }
            _ => None,
        }
    }

    /// The number, 200 to 599.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// What its first digit says.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self.0 / 100 {
            2 => Severity::Positive,
            3 => Severity::Intermediate,
            4 => Severity::Transient,
            _ => Severity::Permanent,
        }
    }

    pub(super) fn digits(self) -> [u8; 3] {
        let digit = |n: u16| b'0' + u8::try_from(n % 10).unwrap_or(0);
        [digit(self.0 / 100), digit(self.0 / 10), digit(self.0)]
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.0)
    }
}

/// An enhanced status code, `class.subject.detail` (RFC 3463 section 2).
///
/// ```
/// use scop_smtp_proto::EnhancedCode;
///
/// let unknown_user: EnhancedCode = "5.1.1".parse()?;
/// assert_eq!(unknown_user, EnhancedCode::new(5, 1, 1)?);
/// assert_eq!(unknown_user.to_string(), "5.1.1");
/// assert!("3.1.1".parse::<EnhancedCode>().is_err());
/// # Ok::<(), scop_smtp_proto::BadReply>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedCode {
    class: u8,
    subject: u16,
    detail: u16,
}

impl EnhancedCode {
    /// `class` is 2, 4 or 5; the others are below 1000.
    ///
    /// # Errors
    ///
    /// [`BadReply::EnhancedCode`].
    pub const fn new(class: u8, subject: u16, detail: u16) -> Result<Self, BadReply> {
        if matches!(class, 2 | 4 | 5) && subject < 1000 && detail < 1000 {
            Ok(EnhancedCode {
                class,
                subject,
                detail,
            })
        } else {
            Err(BadReply::EnhancedCode)
        }
    }

    /// 2: success, 4: transient failure, 5: permanent failure.
    #[must_use]
    pub const fn class(self) -> u8 {
        self.class
    }

    /// What it is about: 1 addressing, 2 mailbox, 3 mail system, 4 network,
    /// 5 protocol, 6 content, 7 policy.
    #[must_use]
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// What of that.
    #[must_use]
    pub const fn detail(self) -> u16 {
        self.detail
    }

    /// The code at the start of `text` and what follows, if there is one of the
    /// class of `code`. Leading zeros make it none: it would not come back the same.
    pub(super) fn split(text: &[u8], code: Code) -> Option<(Self, &[u8])> {
        let [class @ (b'2' | b'4' | b'5'), b'.', rest @ ..] = text else {
            return None;
        };
        let class = class - b'0';
        if u16::from(class) != code.get() / 100 {
            return None;
        }
        let (subject, rest) = number(rest)?;
        let (b'.', rest) = rest.split_first()? else {
            return None;
        };
        let (detail, rest) = number(rest)?;
        let rest = match rest {
            [] => rest,
            [b' ', rest @ ..] => rest,
            _ => return None,
        };
        let enhanced = EnhancedCode {
            class,
            subject,
            detail,
        };
        Some((enhanced, rest))
    }

    pub(super) fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[b'0' + self.class, b'.']);
        push_number(out, self.subject);
        out.push(b'.');
        push_number(out, self.detail);
    }

    /// Length in bytes when written.
    pub(super) fn len(self) -> usize {
        let digits = |n: u16| match n {
            0..10 => 1,
            10..100 => 2,
            _ => 3,
        };
        3 + digits(self.subject) + digits(self.detail)
    }
}

/// One to three digits, no leading zero.
fn number(text: &[u8]) -> Option<(u16, &[u8])> {
    let (mut value, mut rest, mut digits) = (0, text, 0);
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        if digits == 3 || (digits == 1 && value == 0) {
            return None;
        }
        value = value * 10 + u16::from(digit - b'0');
        (rest, digits) = (behind, digits + 1);
    }
    (digits > 0).then_some((value, rest))
}

fn push_number(out: &mut Vec<u8>, n: u16) {
    let digit = |n: u16| b'0' + u8::try_from(n % 10).unwrap_or(0);
    if n >= 100 {
        out.push(digit(n / 100));
    }
    if n >= 10 {
        out.push(digit(n / 10));
    }
    out.push(digit(n));
}

impl FromStr for EnhancedCode {
    type Err = BadReply;

    fn from_str(text: &str) -> Result<Self, BadReply> {
        let class = match text.as_bytes() {
            [class @ b'0'..=b'9', ..] => u16::from(class - b'0'),
            _ => return Err(BadReply::EnhancedCode),
        };
        match Code::new(class * 100).map(|code| Self::split(text.as_bytes(), code)) {
            Ok(Some((enhanced, []))) if !text.ends_with(' ') => Ok(enhanced),
            _ => Err(BadReply::EnhancedCode),
        }
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};

    #[test]
    fn enhanced_codes_come_back() {
        for text in ["2.0.0", "4.4.2", "5.7.139", "5.999.999", "2.10.20"] {
            let code: EnhancedCode = text.parse().unwrap();
            let mut out = Vec::new();
            code.encode(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
            assert_eq!((code.to_string().as_str(), code.len()), (text, text.len()));
        }
        for bad in [
            "", "2", "2.", "2.1", "2.1.", "2..1", "3.1.1", "0.1.1", "2.1.1 ", "2.1.1 x",
            "2.1000.1", "2.1.1000", "2.01.1", "2.1.00", "2.1.1.1", " 2.1.1", "ü",
        ] {
            assert!(bad.parse::<EnhancedCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn codes_are_never_saturated() {
        for n in 0..2000 {
            if let Ok(code) = Code::new(n) {
                assert_eq!(code.get(), n);
                assert_eq!(code.digits(), n.to_string().as_bytes());
                assert_eq!(Code::read(code.digits()), Some(code));
            }
        }
        assert_eq!(Code::read(*b"299").map(Code::get), Some(299));
        for bad in [*b"150", *b"650", *b"2x0", *b" 25", *b"+25"] {
            assert_eq!(Code::read(bad), None);
        }
    }
}
