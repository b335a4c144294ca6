//! Names of files in a Maildir: when a message came, what has become of it.
//!
//! A Maildir is a folder with the folders `tmp`, `new` and `cur`. A message is a file: written
//! in `tmp`, moved to `new`, and moved to `cur` with its flags behind a colon when a reader
//! saw it. What a file system does is the caller's; the names are read and made here.
//!
//! ```
//! use scop_mime::maildir::{FileName, Flags};
//!
//! let mut name = FileName::parse("1204680122.M5P27.host,S=812:2,FS");
//! assert_eq!((name.delivered(), name.size()), (Some(1_204_680_122), Some(812)));
//! assert!(name.flags.contains(Flags::SEEN | Flags::FLAGGED));
//! name.flags.insert(Flags::REPLIED);
//! assert_eq!(name.to_string(), "1204680122.M5P27.host,S=812:2,FRS");
//!
//! let new = FileName::new(1_700_000_000, "M1P2Q3", "a:b/c.test").unwrap();
//! assert_eq!(new.in_new(), "1700000000.M1P2Q3.a\\072b\\057c.test");
//! ```

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

use alloc::borrow::Cow;
use alloc::string::String;

/// What has become of a message: the letters behind `:2,`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u64);

impl Flags {
    /// `D`: a draft.
    pub const DRAFT: Flags = Flags::of(b'D');
    /// `F`: flagged, by whoever reads it.
    pub const FLAGGED: Flags = Flags::of(b'F');
    /// `P`: passed on to somebody.
    pub const PASSED: Flags = Flags::of(b'P');
    /// `R`: replied to.
    pub const REPLIED: Flags = Flags::of(b'R');
    /// `S`: seen.
    pub const SEEN: Flags = Flags::of(b'S');
    /// `T`: in the trash.
    pub const TRASHED: Flags = Flags::of(b'T');

    /// None.
    #[must_use]
    pub const fn none() -> Self {
        Flags(0)
    }

    /// The flag of an ASCII letter, which may be one that nobody defined: Dovecot has its
    /// keywords as `a` to `z`. `None` for what is no letter.
    #[must_use]
    pub const fn letter(letter: char) -> Option<Self> {
        match letter.is_ascii_alphabetic() {
            true => Some(Flags::of(letter as u8)),
            false => None,
        }
    }

    const fn of(letter: u8) -> Self {
        Flags(1 << (letter - b'A'))
    }

    /// Whether all of these are among them.
    #[must_use]
    pub const fn contains(self, flags: Flags) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// Adds these.
    pub const fn insert(&mut self, flags: Flags) {
        self.0 |= flags.0;
    }

    /// Takes these away.
    pub const fn remove(&mut self, flags: Flags) {
        self.0 &= !flags.0;
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their letters, in the order of ASCII, which the names have them in.
    pub fn letters(self) -> impl Iterator<Item = char> {
        let letters = (b'A'..=b'Z').chain(b'a'..=b'z').map(char::from);
        letters.filter(move |&c| Flags::letter(c).is_some_and(|flag| self.contains(flag)))
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

impl BitOrAssign for Flags {
    fn bitor_assign(&mut self, other: Flags) {
        self.insert(other);
    }
}

/// As the letters.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        self.letters().try_for_each(|letter| f.write_char(letter))
    }
}

/// The name of a message's file. Displayed as it is in `cur`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileName<'a> {
    unique: Cow<'a, str>,
    /// What has become of the message. In `new` it has none.
    pub flags: Flags,
    /// What comes behind the flags, or in their place, that is not of these letters.
    other: Cow<'a, str>,
}

impl<'a> FileName<'a> {
    /// Reads a name, as it is in `cur` or `new`. Nothing is refused: what is behind `:2,` and
    /// no letter, and an information of another kind than `2`, stays as it is.
    #[must_use]
    pub fn parse(name: &'a str) -> Self {
        let (unique, info) = match name.split_once(':') {
            Some((unique, info)) => (unique, Some(info)),
            None => (name, None),
        };
        let mut flags = Flags::none();
        let other = match info {
            None => "",
            Some(info) => match info.strip_prefix("2,") {
                None => name.get(unique.len()..).unwrap_or_default(),
                Some(letters) => {
                    let end = letters.find(|c: char| !c.is_ascii_alphabetic());
                    let (known, other) = letters.split_at(end.unwrap_or(letters.len()));
                    known
                        .chars()
                        .filter_map(Flags::letter)
                        .for_each(|flag| flags |= flag);
                    other
                }
            },
        };
        FileName {
            unique: Cow::Borrowed(unique),
            flags,
            other: Cow::Borrowed(other),
        }
    }

    /// A new name: when the message is delivered, in seconds since 1970, something that no
    /// other delivery of this host at this second has, and the host. `/` and `:` in the host
    /// become `\057` and `\072`. `None` when the middle has one of them, a dot at its start,
    /// a control, or nothing.
    #[must_use]
    pub fn new(delivered: u64, delivery: &str, host: &str) -> Option<FileName<'static>> {
        let is_bad = |c: char| c.is_control() || matches!(c, '/' | ':');
        if delivery.is_empty() || delivery.starts_with('.') || delivery.contains(is_bad) {
            return None;
        }
        let host = host.replace('/', "\\057").replace(':', "\\072");
        if host.contains(char::is_control) {
            return None;
        }
        Some(FileName {
            unique: Cow::Owned(alloc::format!("{delivered}.{delivery}.{host}")),
            flags: Flags::none(),
            other: Cow::Borrowed(""),
        })
    }

    /// The name in `new`, without flags: what stays the same when the flags change.
    #[must_use]
    pub fn in_new(&self) -> &str {
        &self.unique
    }

    /// When the message came, in seconds since 1970: the number that the name begins with.
    #[must_use]
    pub fn delivered(&self) -> Option<u64> {
        let digits = self.unique.split('.').next()?;
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| is_number)
    }

    /// The size of the file, where the server wrote it into the name (`,S=812`, Maildir++ and
    /// Dovecot).
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.attribute("S=")
    }

    /// The size of the message with CRLF line ends, where the server wrote it into the name
    /// (`,W=830`, Dovecot).
    #[must_use]
    pub fn crlf_size(&self) -> Option<u64> {
        self.attribute("W=")
    }

    fn attribute(&self, name: &str) -> Option<u64> {
        let mut attributes = self.unique.split(',').skip(1);
        attributes.find_map(|attribute| attribute.strip_prefix(name)?.parse().ok())
    }

    /// The same, sharing nothing with what it was read from.
    #[must_use]
    pub fn into_owned(self) -> FileName<'static> {
        FileName {
            unique: Cow::Owned(self.unique.into_owned()),
            flags: self.flags,
            other: Cow::Owned(self.other.into_owned()),
        }
    }
}

impl fmt::Display for FileName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.other.starts_with(':') && self.flags.is_empty() {
            true => write!(f, "{}{}", self.unique, self.other),
            false => write!(
                f,
                "{}:2,{}{}",
                self.unique,
                self.flags,
                self.other.trim_start_matches(':')
            ),
        }
    }
}

/// The path of a folder from the name of its directory in Maildir++: `.Sent.2024` is `2024` in
/// `Sent`. `None` for what is no folder: a name that does not begin with one dot.
///
/// ```
/// use scop_mime::maildir::{folder_name, folder_path};
///
/// assert_eq!(folder_path(".Sent.2024").unwrap().collect::<Vec<_>>(), ["Sent", "2024"]);
/// assert_eq!(folder_name(&["Sent", "2024"]).unwrap(), ".Sent.2024");
/// for bad in ["cur", "..", ".", ".a..b"] {
///     assert!(folder_path(bad).is_none());
/// }
/// ```
#[must_use]
pub fn folder_path(directory: &str) -> Option<impl Iterator<Item = &str>> {
    let names = directory.strip_prefix('.')?.split('.');
    names.clone().all(|name| !name.is_empty()).then_some(names)
}

/// The name of the directory of a folder in Maildir++. `None` when a name in the path is empty
/// or has a dot, a slash or a control in it, or when there is none: that is the inbox, which
/// is the Maildir itself.
#[must_use]
pub fn folder_name(path: &[&str]) -> Option<String> {
    let is_bad = |c: char| c.is_control() || matches!(c, '.' | '/');
    let is_name = |name: &&str| !name.is_empty() && !name.contains(is_bad);
    (!path.is_empty() && path.iter().all(is_name)).then(|| {
        let mut directory = String::new();
        for name in path {
            directory.push('.');
            directory.push_str(name);
        }
        directory
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;
    use proptest::prelude::*;

    #[test]
    fn names_as_servers_write_them() {
        for (name, new, flags, delivered) in [
            (
                "1204680122.27c448.host",
                "1204680122.27c448.host",
                "",
                Some(1_204_680_122),
            ),
            (
                "1204680122.V1I2.host:2,",
                "1204680122.V1I2.host",
                "",
                Some(1_204_680_122),
            ),
            ("1.a.h:2,RSF", "1.a.h", "FRS", Some(1)),
            ("1.a.h:2,Sac", "1.a.h", "Sac", Some(1)),
            ("1.a.h:2,S,x", "1.a.h", "S", Some(1)),
            ("1.a.h:1,x", "1.a.h", "", Some(1)),
            ("x.a.h:2,T", "x.a.h", "T", None),
            (
                "99999999999999999999.a.h",
                "99999999999999999999.a.h",
                "",
                None,
            ),
            ("", "", "", None),
        ] {
            let read = FileName::parse(name);
            assert_eq!(
                (read.in_new(), read.flags.to_string()),
                (new, flags.into()),
                "{name}"
            );
            assert_eq!(read.delivered(), delivered, "{name}");
        }
        let read = FileName::parse("1.a.h,S=12,W=14:2,S");
        assert_eq!((read.size(), read.crlf_size()), (Some(12), Some(14)));
        assert_eq!(FileName::parse("1.a.h:2,S,x").to_string(), "1.a.h:2,S,x");
        let mut experimental = FileName::parse("1.a.h:1,x");
        assert_eq!(experimental.to_string(), "1.a.h:1,x");
        experimental.flags |= Flags::SEEN;
        assert_eq!(experimental.to_string(), "1.a.h:2,S1,x");
        for (delivery, host) in [
            ("", "h"),
            (".", "h"),
            ("a/b", "h"),
            ("a:b", "h"),
            ("a", "h\n"),
        ] {
            assert_eq!(FileName::new(1, delivery, host), None);
        }
    }

    proptest! {
        #[test]
        fn a_name_that_was_read_is_written_and_read(name in "[0-9.]{0,5}[a-zA-Z,=:/ é]{0,12}(:2,[A-Za-z]{0,5})?[,x]{0,2}") {
            let read = FileName::parse(&name);
            let written = read.to_string();
            let again = FileName::parse(&written);
            prop_assert_eq!(again.in_new(), read.in_new());
            prop_assert_eq!(again.flags, read.flags);
            prop_assert_eq!(again.to_string(), written.clone());
        }
    }
}
