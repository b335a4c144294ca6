//! How a message came to be and how it wants to be treated: Auto-Submitted (RFC 3834),
//! Precedence, Importance and Priority (RFC 4021 2.1), Keywords (RFC 5322 3.6.5).

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::lex::{Cursor, is_space, word_text};
use super::parameter::{self, Parameter, RawParameters};
use super::words;
use crate::Limits;

/// The value of Auto-Submitted (RFC 3834 5): whether a person sent it.
///
/// ```
/// use scop_mime::AutoSubmitted;
///
/// let auto = AutoSubmitted::parse(b"auto-notified; owner-email=\"me@a.test\" (RFC 5436)").unwrap();
/// assert_eq!((auto.keyword(), auto.is_automatic()), ("auto-notified", true));
/// assert_eq!(auto.parameter("owner-email"), Some("me@a.test"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoSubmitted {
    keyword: String,
    parameters: Vec<Parameter>,
}

impl AutoSubmitted {
    /// Reads the value of the field; at most 128 parameters are looked at. `None` when
    /// it says nothing.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(value);
        cursor.skip_cfws();
        let keyword = cursor.take_while(|b| !is_space(b) && !matches!(b, b';' | b'('));
        if keyword.is_empty() {
            return None;
        }
        let limit = Limits::default().parameters;
        let (parameters, _) = parameter::parse(RawParameters::new(cursor), limit);
        Some(AutoSubmitted {
            keyword: word_text(keyword).to_ascii_lowercase(),
            parameters,
        })
    }

    /// `no`, `auto-generated`, `auto-replied`, `auto-notified` (RFC 5436), or what is
    /// yet to come; in lower case.
    #[must_use]
    pub fn keyword(&self) -> &str {
        &self.keyword
    }

    /// Not sent by a person: everything but `no`.
    #[must_use]
    pub fn is_automatic(&self) -> bool {
        self.keyword != "no"
    }

    /// Its parameters, in order.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The value of a parameter, by its name in any case.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let is = |p: &&Parameter| p.name().eq_ignore_ascii_case(name);
        self.parameters.iter().find(is).map(Parameter::value)
    }
}

impl fmt::Display for AutoSubmitted {
    /// The keyword, without parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.keyword)
    }
}

macro_rules! one_word {
    ($(#[$doc:meta])+ $name:ident { $($(#[$vdoc:meta])+ $variant:ident = $first:literal $(| $more:literal)*,)+ }) => {
        $(#[$doc])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vdoc])+ $variant,)+
            /// Another one, in lower case.
            Other(String),
        }

        impl $name {
            /// Reads the value of the field: its first word, in any case.
            #[must_use]
            pub fn parse(value: &[u8]) -> Self {
                let mut cursor = Cursor::new(value);
                cursor.skip_cfws();
                let word = cursor.take_while(|b| !is_space(b) && !matches!(b, b'(' | b';' | b','));
                let word = word_text(word).to_ascii_lowercase();
                match word.as_str() {
                    $($first $(| $more)* => Self::$variant,)+
                    _ => Self::Other(word.to_owned()),
                }
            }

            /// The word, in lower case.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $first,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

one_word! {
    /// The value of Precedence, which no standard has and everybody writes (RFC 3834 2,
    /// RFC 2076 3.9).
    ///
    /// ```
    /// use scop_mime::Precedence;
    ///
    /// assert_eq!(Precedence::parse(b" Bulk\r\n"), Precedence::Bulk);
    /// assert_eq!(Precedence::parse(b"fIrSt-class").as_str(), "first-class");
    /// ```
    Precedence {
        /// `bulk`: to many people.
        Bulk = "bulk",
        /// `list`: from a mailing list.
        List = "list",
        /// `junk`: nobody waits for it.
        Junk = "junk",
    }
}

one_word! {
    /// The value of Importance (RFC 4021 2.1.53): what the sender thinks of it.
    ///
    /// ```
    /// use scop_mime::Importance;
    ///
    /// assert_eq!(Importance::parse(b"High"), Importance::High);
    /// ```
    Importance {
        /// `low`
        Low = "low",
        /// `normal`
        Normal = "normal" | "medium",
        /// `high`
        High = "high",
    }
}

one_word! {
    /// The value of Priority (RFC 4021 2.1.54), how fast to deliver it; and of X-Priority,
    /// which no standard has: 1 and 2 are urgent, 4 and 5 are not.
    ///
    /// ```
    /// use scop_mime::Priority;
    ///
    /// assert_eq!(Priority::parse(b"non-urgent"), Priority::NonUrgent);
    /// assert_eq!(Priority::parse(b"1 (Highest)"), Priority::Urgent);
    /// ```
    Priority {
        /// `non-urgent`
        NonUrgent = "non-urgent" | "4" | "5",
        /// `normal`
        Normal = "normal" | "3",
        /// `urgent`
        Urgent = "urgent" | "1" | "2",
    }
}

/// The phrases of Keywords, decoded: separated by commas that are not in quotes.
pub(crate) fn keywords(value: &[u8]) -> Vec<Cow<'_, str>> {
    let mut phrases = Vec::new();
    let mut cursor = Cursor::new(value);
    while cursor.peek().is_some() {
        let start = cursor.pos();
        let mut quoted = None;
        while let Some(byte) = cursor.peek() {
            match byte {
                b',' => break,
                b'"' => match cursor.quoted() {
                    Some(text) => quoted = Some(text),
                    None => cursor.bump(),
                },
                b'(' if cursor.comment().is_some() => {}
                _ => cursor.bump(),
            }
        }
        let whole = super::lex::trim(cursor.since(start));
        let phrase = match quoted {
            // Nothing but one quoted string.
            Some(text) if whole.ends_with(b"\"") && whole.starts_with(b"\"") => match text {
                Cow::Borrowed(text) => words::decode(text),
                Cow::Owned(text) => Cow::Owned(words::decode(&text).into_owned()),
            },
            _ => words::decode(whole),
        };
        if !phrase.is_empty() {
            phrases.push(phrase);
        }
        cursor.eat(b',');
    }
    phrases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3834_5_keywords() {
        for (value, keyword, automatic) in [
            (&b" no"[..], "no", false),
            (b"auto-generated", "auto-generated", true),
            (b"Auto-Replied (vacation)", "auto-replied", true),
            (b"auto-generated (failure)", "auto-generated", true),
            (b"x-new; a=b", "x-new", true),
        ] {
            let auto = AutoSubmitted::parse(value).unwrap();
            assert_eq!((auto.keyword(), auto.is_automatic()), (keyword, automatic));
        }
        assert_eq!(AutoSubmitted::parse(b" (no)"), None);
    }

    #[test]
    fn words_of_one() {
        assert_eq!(Precedence::parse(b"list"), Precedence::List);
        assert_eq!(Importance::parse(b"(x) normal"), Importance::Normal);
        assert_eq!(Priority::parse(b"3 (Normal)"), Priority::Normal);
        assert_eq!(Priority::parse(b"7").to_string_of(), "7");
    }

    impl Priority {
        fn to_string_of(&self) -> String {
            alloc::format!("{self}")
        }
    }

    #[test]
    fn phrases() {
        assert_eq!(
            keywords(b" one, two words ,, \"three, four\",\r\n =?utf-8?Q?f=C3=BCnf?=, "),
            ["one", "two words", "three, four", "fünf"]
        );
        assert_eq!(keywords(b"a \"b, c\" d"), ["a \"b, c\" d"]);
        for unit in [",", "\"", "(", "a,", "\",\""] {
            let flood = unit.repeat(100_000);
            assert!(keywords(flood.as_bytes()).len() <= 100_000);
        }
    }
}
