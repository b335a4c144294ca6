//! Addresses and ids to write.

use alloc::string::String;
use core::fmt;

use super::fold::{Folder, needs_encoding};
use super::{BuildError, check};
use crate::value::address::{is_atext, is_dot_atom, quote};

/// The longest display name, in bytes.
const NAME: usize = 1 << 10;

/// A mailbox to write: an address, and a name if it has one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mailbox {
    /// As it is written, quoted where it must be.
    address: String,
    name: Option<String>,
}

impl Mailbox {
    /// A mailbox without a name. What is before the last `@` is the local part, with
    /// quotes or without them; quotes are written where they are needed.
    ///
    /// # Errors
    ///
    /// [`BuildError::Address`] for what is no `local@domain` (RFC 5322 3.4.1; lengths
    /// RFC 5321 4.5.3.1), and for what is not ASCII: that needs a mail system with
    /// SMTPUTF8, and a domain can be given in its `xn--` form.
    pub fn new(address: &str) -> Result<Self, BuildError> {
        let bad = |what| Err(BuildError::Address(what));
        if !address.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return bad("only printable ASCII");
        }
        let Some((local, domain)) = address.rsplit_once('@') else {
            return bad("no @");
        };
        let bare = local.strip_prefix('"').and_then(|l| l.strip_suffix('"'));
        let mut written = String::with_capacity(address.len() + 2);
        match bare {
            _ if is_dot_atom(local.as_bytes()) => written.push_str(local),
            Some(bare) => {
                let unescaped = crate::value::lex::unescape(bare.as_bytes());
                // It was ASCII, and so it is still.
                quote(&String::from_utf8_lossy(&unescaped), &mut written);
            }
            None if local.is_empty() => return bad("nothing before the @"),
            None => quote(local, &mut written),
        }
        if written.len() > 66 {
            return bad("more than 64 characters before the @");
        }
        if !is_domain(domain) {
            return bad("no domain behind the @");
        }
        written.push('@');
        written.push_str(domain);
        Ok(Mailbox {
            address: written,
            name: None,
        })
    }

    /// The same with a name to show. What is not ASCII becomes encoded words.
    ///
    /// # Errors
    ///
    /// [`BuildError::Control`], [`BuildError::TooLong`] over 1 KiB.
    pub fn named(mut self, name: &str) -> Result<Self, BuildError> {
        check("a display name", name, NAME)?;
        self.name = (!name.is_empty()).then(|| name.into());
        Ok(self)
    }

    /// The address, as it is written.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Writes it, and `end` behind it.
    pub(super) fn write(&self, folder: &mut Folder<'_>, end: &str) {
        let Some(name) = &self.name else {
            folder.word(&alloc::format!("{}{end}", self.address));
            return;
        };
        let spaced = name.contains("  ");
        let trimmed = name.trim_matches([' ', '\t']) != name;
        if trimmed || name.split([' ', '\t']).any(needs_encoding) {
            // All of it: between encoded words and others a phrase loses its spaces
            // in some readers.
            folder.encoded(" ", name);
        } else if !spaced && name.split(' ').all(|w| w.bytes().all(is_atext)) {
            for word in name.split(' ') {
                folder.word(word);
            }
        } else {
            let mut quoted = String::new();
            quote(name, &mut quoted);
            match quoted.len() <= 76 {
                true => folder.word(&quoted),
                false => folder.encoded(" ", name),
            };
        }
        folder.word(&alloc::format!("<{}>{end}", self.address));
    }
}

/// A domain of dot-separated labels, or an address in brackets.
fn is_domain(domain: &str) -> bool {
    let literal = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']'));
    let fits = domain.len() <= 255;
    fits && match literal {
        Some(text) => {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_graphic() && !matches!(b, b'[' | b']' | b'\\'))
        }
        None => is_dot_atom(domain.as_bytes()),
    }
}

/// The id of a message, without its brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// An id: something unique, an `@`, and a domain of yours.
    ///
    /// # Errors
    ///
    /// [`BuildError::MessageId`] (RFC 5322 3.6.4; at most 900 characters).
    pub fn new(id: &str) -> Result<Self, BuildError> {
        let valid = id.len() <= 900
            && id.is_ascii()
            && id
                .split_once('@')
                .is_some_and(|(left, right)| is_dot_atom(left.as_bytes()) && is_domain(right));
        match valid {
            true => Ok(MessageId(id.into())),
            false => Err(BuildError::MessageId),
        }
    }

    /// The id, without brackets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    /// With brackets, as fields have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}
