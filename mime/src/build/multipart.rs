//! Parts together, and messages as parts.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use super::part::{Content, DEPTH, Part, check_type};
use super::{BuildError, Built};

impl<S> Part<S> {
    /// Parts after each other (RFC 2046 5.1.3).
    ///
    /// # Errors
    ///
    /// [`BuildError::Empty`] without a part; [`BuildError::TooDeep`] for more than 64
    /// in each other.
    pub fn mixed(parts: impl IntoIterator<Item = Self>) -> Result<Self, BuildError> {
        Self::parts("multipart/mixed", parts)
    }

    /// Parts that say the same, of which a reader shows the last that it can (RFC 2046
    /// 5.1.4).
    ///
    /// # Errors
    ///
    /// As [`mixed`](Self::mixed).
    pub fn alternative(parts: impl IntoIterator<Item = Self>) -> Result<Self, BuildError> {
        Self::parts("multipart/alternative", parts)
    }

    /// A part and those that it refers to by their [content id](Self::content_id), as a
    /// page and its images (RFC 2387).
    ///
    /// # Errors
    ///
    /// As [`mixed`](Self::mixed).
    pub fn related(root: Self, parts: impl IntoIterator<Item = Self>) -> Result<Self, BuildError> {
        let parts: Vec<Self> = parts.into_iter().collect();
        match root
            .depth
            .max(parts.iter().map(|p| p.depth).max().unwrap_or(0))
        {
            DEPTH.. => Err(BuildError::TooDeep),
            _ => Ok(Self::of_related(root, parts)),
        }
    }

    pub(super) fn of_related(root: Self, parts: Vec<Self>) -> Self {
        let root_type = String::from(&*root.content_type);
        let parts = core::iter::once(root).chain(parts).collect();
        let related = Self::of_parts("multipart/related", parts);
        match root_type.is_empty() {
            true => related, // an entity: it says so itself
            false => related.with_parameter("type", root_type),
        }
    }

    /// One part, or several to choose from.
    pub(super) fn of_alternatives(mut parts: Vec<Self>) -> Self {
        match (parts.len(), parts.pop()) {
            (1, Some(part)) => part,
            (_, last) => {
                parts.extend(last);
                Self::of_parts("multipart/alternative", parts)
            }
        }
    }

    /// Messages after each other (RFC 2046 5.1.5).
    ///
    /// # Errors
    ///
    /// As [`mixed`](Self::mixed).
    pub fn digest(messages: impl IntoIterator<Item = Built<S>>) -> Result<Self, BuildError> {
        let parts = messages.into_iter().map(Self::message);
        let parts: Result<Vec<_>, _> = parts.collect();
        Self::parts("multipart/digest", parts?)
    }

    /// Parts together in another way: `form-data` makes it `multipart/form-data`.
    ///
    /// # Errors
    ///
    /// As [`mixed`](Self::mixed); [`BuildError::ContentType`] for what is no name, and
    /// for `signed` and `encrypted`, which have ways of their own.
    pub fn multipart(
        subtype: &str,
        parts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, BuildError> {
        let content_type = alloc::format!("multipart/{subtype}");
        check_type(&content_type)?;
        let own = ["signed", "encrypted", "report"];
        if own.iter().any(|o| subtype.eq_ignore_ascii_case(o)) {
            return Err(BuildError::ContentType("it has a constructor of its own"));
        }
        Self::parts(content_type, parts)
    }

    pub(super) fn parts(
        content_type: impl Into<Cow<'static, str>>,
        parts: impl IntoIterator<Item = Self>,
    ) -> Result<Self, BuildError> {
        let parts: Vec<Self> = parts.into_iter().collect();
        let depth = parts.iter().map(|p| p.depth).max();
        let Some(depth) = depth else {
            return Err(BuildError::Empty("a multipart"));
        };
        if depth >= DEPTH {
            return Err(BuildError::TooDeep);
        }
        Ok(Self::of_parts(content_type, parts))
    }

    /// The same where it is known that there is a part, and that it is not too deep.
    pub(super) fn of_parts(content_type: impl Into<Cow<'static, str>>, parts: Vec<Self>) -> Self {
        let depth = parts.iter().map(|p| p.depth).max().unwrap_or(0);
        let eight_bit = false; // not known yet
        let mut part = Self::new(content_type, Content::Multipart { parts, eight_bit });
        part.depth = depth + 1;
        part
    }

    /// A message that was built (RFC 2046 5.2.1); `message/global` if it
    /// [needs SMTPUTF8](super::Built::needs_smtputf8) (RFC 6532 3.7).
    ///
    /// # Errors
    ///
    /// [`BuildError::TooDeep`] for more than 64 parts in each other.
    pub fn message(message: Built<S>) -> Result<Self, BuildError> {
        if message.depth >= DEPTH {
            return Err(BuildError::TooDeep);
        }
        let content_type = match message.utf8 {
            true => "message/global",
            false => "message/rfc822",
        };
        let depth = message.depth + 1;
        let mut part = Self::new(content_type, Content::Message(message.into()));
        part.depth = depth;
        Ok(part)
    }
}
