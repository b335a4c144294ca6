//! How far a message is taken apart.

/// How far a [`Reader`](crate::Reader) takes a message apart.
///
/// ```
/// use scop_mime::{Event, Limits, Mode, Reader};
///
/// let text = b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\n";
/// let parts = |mode| {
///     let mut reader = Reader::new(Limits::default()).mode(mode);
///     reader.finish();
///     let (mut input, mut parts) = (&text[..], 0);
///     while let Some(event) = reader.read(&mut input) {
///         parts += usize::from(matches!(event, Event::PartStart(_)));
///     }
///     parts
/// };
/// assert_eq!((parts(Mode::Recurse), parts(Mode::Flat)), (2, 1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Multiparts, and the messages of `message/rfc822` and `message/global`.
    #[default]
    Recurse,
    /// Multiparts. A message within is a leaf, and what it is is told by its type. What
    /// boundaries it has is not known, so a line that is a delimiter around it ends it,
    /// even where it is one of its own too: only with [`Recurse`](Self::Recurse) can that
    /// be told, as [`SharedBoundary`](crate::DefectKind::SharedBoundary).
    Flat,
    /// The header, then the body as bytes, whatever its type says. Line ends are not
    /// counted: a byte of the body costs nothing but its event.
    Raw,
    /// As [`Raw`](Self::Raw), for those who must know which bytes were signed (RFC
    /// 6376): CRLF alone ends a line, and the header ends with an empty line or the
    /// message. A bare CR or LF is a byte of its field, and a line that is no field is
    /// one without a name, the first too. NUL, bare CR and what is no UTF-8 in a field are
    /// not told.
    Exact,
}

impl Mode {
    #[inline]
    pub(super) fn is_raw(self) -> bool {
        matches!(self, Mode::Raw | Mode::Exact)
    }
}
