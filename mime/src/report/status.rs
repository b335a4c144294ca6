//! Keywords and status codes.

use core::fmt;

use super::line::{Line, without_comments};

/// An enum of keywords in any case, with an `Other` that keeps the rest.
macro_rules! keywords {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$each])* $variant,)+
            /// Another word, as it is written.
            Other(Line),
        }

        impl $name {
            /// The word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $($name::$variant => $text,)+
                    $name::Other(word) => word.as_str(),
                }
            }

            /// Reads a word; comments around it do no harm. `None` where there is none.
            pub(super) fn read(text: &str) -> Option<Self> {
                let word = without_comments(text);
                $(if word.eq_ignore_ascii_case($text) {
                    return Some($name::$variant);
                })+
                (!word.is_empty()).then(|| $name::Other(Line::read(&word)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use keywords;

keywords! {
    /// What became of the message for one recipient (RFC 3464 2.3.3).
    Action {
        /// It could not be delivered, and nobody tries any more.
        Failed = "failed",
        /// It could not be delivered so far.
        Delayed = "delayed",
        /// It was delivered.
        Delivered = "delivered",
        /// It went on to a system that gives no notifications.
        Relayed = "relayed",
        /// It was delivered and forwarded to several others.
        Expanded = "expanded",
    }
}

/// A status code (RFC 3463 2): `5.1.1`.
///
/// ```
/// use scop_mime::report::Status;
///
/// let status: Status = "5.1.1".parse().unwrap();
/// assert!(status.is_permanent());
/// assert_eq!((status.class(), status.subject(), status.detail()), (5, 1, 1));
/// assert_eq!(status.to_string(), "5.1.1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Status {
    class: u8,
    subject: u16,
    detail: u16,
}

/// Not a status code: a digit, and two numbers of up to three digits, apart by dots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a status code like 5.1.1 (RFC 3463 2)")]
pub struct ParseStatusError;

impl Status {
    /// A code. `None` where a number is not in its range: 0 to 9, 0 to 999.
    #[must_use]
    pub const fn new(class: u8, subject: u16, detail: u16) -> Option<Self> {
        if class > 9 || subject > 999 || detail > 999 {
            return None;
        }
        Some(Status {
            class,
            subject,
            detail,
        })
    }

    /// The first number: 2 success, 4 persistent transient failure, 5 permanent
    /// failure (RFC 3463 3.1).
    #[must_use]
    pub fn class(self) -> u8 {
        self.class
    }

    /// The second: where the trouble is (RFC 3463 3.2): 1 address, 2 mailbox, 3 mail
    /// system, 4 network, 5 protocol, 6 content, 7 security or policy.
    #[must_use]
    pub fn subject(self) -> u16 {
        self.subject
    }

    /// The third: what it is.
    #[must_use]
    pub fn detail(self) -> u16 {
        self.detail
    }

    /// It may be different later.
    #[must_use]
    pub fn is_transient(self) -> bool {
        self.class == 4
    }

    /// It will stay so.
    #[must_use]
    pub fn is_permanent(self) -> bool {
        self.class == 5
    }

    /// The first code in a text, at its start or behind white space, `#` or a
    /// parenthesis: for replies that have one (RFC 2034 4) and fields that are not
    /// quite right. Its numbers may have zeros in front.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let dots = memchr::memchr_iter(b'.', bytes);
        let mut starts = dots.filter_map(|dot| dot.checked_sub(1));
        starts.find_map(|start| {
            let before = start.checked_sub(1).and_then(|i| bytes.get(i));
            let apart = before.is_none_or(|b| b" \t#([<-=;:".contains(b));
            let (status, length) = Self::at(bytes.get(start..)?)?;
            let behind = bytes.get(start + length);
            let ends = behind.is_none_or(|b| !b.is_ascii_alphanumeric());
            // An address of four numbers is none.
            let ends = ends
                && !(behind == Some(&b'.')
                    && bytes
                        .get(start + length + 1)
                        .is_some_and(u8::is_ascii_digit));
            (apart && ends).then_some(status)
        })
    }

    /// The code at the start of `bytes`, and its length.
    fn at(bytes: &[u8]) -> Option<(Self, usize)> {
        let number = |at: usize| {
            let digits = bytes.get(at..)?.iter().take_while(|b| b.is_ascii_digit());
            let (value, length) = digits.take(4).fold((0u16, 0), |(value, length), digit| {
                (value * 10 + u16::from(digit - b'0'), length + 1)
            });
            (1..=3).contains(&length).then_some((value, at + length))
        };
        let class = bytes.first()?.checked_sub(b'0').filter(|c| *c < 10)?;
        let dot = |at: usize| (bytes.get(at) == Some(&b'.')).then_some(at + 1);
        let (subject, at) = number(dot(1)?)?;
        let (detail, at) = number(dot(at)?)?;
        Some((Status::new(class, subject, detail)?, at))
    }
}

impl core::str::FromStr for Status {
    type Err = ParseStatusError;

    fn from_str(text: &str) -> Result<Self, ParseStatusError> {
        match Self::at(text.as_bytes()) {
            Some((status, length)) if length == text.len() => Ok(status),
            _ => Err(ParseStatusError),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_codes() {
        for (text, wanted) in [
            ("5.1.1", Some("5.1.1")),
            ("5.1.10 (host)", Some("5.1.10")),
            ("#5.0.0", Some("5.0.0")),
            ("smtp; 550 5.7.1 <a@b>: no", Some("5.7.1")),
            ("550-5.1.1 no", Some("5.1.1")),
            ("host 10.5.1.1 said 4.4.7", Some("4.4.7")),
            ("4.05.001", Some("4.5.1")),
            ("192.0.2.1", None),
            ("5.1", None),
            ("5.1.1234", None),
            ("a5.1.1", None),
            ("5.1.1.1", None),
            ("", None),
        ] {
            let found = Status::find(text).map(|s| alloc::string::ToString::to_string(&s));
            assert_eq!(found.as_deref(), wanted, "{text}");
        }
        assert_eq!("5.1.1 ".parse::<Status>(), Err(ParseStatusError));
        assert_eq!(Status::new(10, 0, 0), None);
        assert_eq!(Status::find(&"1.".repeat(200_000)), None);
    }

    #[test]
    fn words_in_any_case() {
        assert_eq!(Action::read(" FAILED (really)"), Some(Action::Failed));
        assert_eq!(Action::read("expired").unwrap().as_str(), "expired");
        assert_eq!(Action::read(" (x)"), None);
    }
}
