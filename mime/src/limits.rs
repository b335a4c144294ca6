//! How much of a message is taken apart. Nothing is refused: past a limit the
//! rest stays as it is, whole, in an opaque leaf, with a [`Defect`](crate::Defect)
//! that says where.

/// Bounds on what a message may cost. Each is a count or in bytes.
///
/// ```
/// use scop_mime::{Limits, Message};
///
/// let limits = Limits { depth: 1, ..Limits::default() };
/// let text = b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n";
/// let message = Message::parse_with(text, &limits);
/// let inner = message.root().children().next().unwrap();
/// assert!(inner.is_opaque());
/// assert_eq!(message.defects()[0].to_string(), "too-deep at byte 90");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one header, from its first byte to the empty line. Past it the
    /// header ends and the rest is an opaque body. Default 1 MiB.
    pub header_bytes: u64,
    /// Bytes of one field, line ends included, that are kept and interpreted. The
    /// field's range stays whole. Default 100 KiB, at least 1 KiB whatever is asked
    /// for: a field is never less than a line.
    pub field_bytes: usize,
    /// Fields of one header. Default 10,000.
    pub fields: u32,
    /// Multiparts and messages within each other. Default 100, at most
    /// [`MAX_DEPTH`](Self::MAX_DEPTH) whatever is asked for.
    pub depth: u32,
    /// Parts of a message, all levels together; one more holds the rest. Default 10,000.
    pub parts: u32,
    /// Parameters of one Content-Type or Content-Disposition. Default 128.
    pub parameters: usize,
    /// Defects that an [`Index`](crate::Index) keeps; it counts the others.
    /// Default 1,000.
    pub defects: usize,
}

impl Limits {
    /// The depth that no setting exceeds: what is made of a message may be a
    /// recursive type, and no message may choose how deep the stack gets.
    pub const MAX_DEPTH: u32 = 256;

    #[inline]
    pub(crate) fn field_limit(&self) -> usize {
        self.field_bytes.max(1 << 10)
    }

    #[inline]
    pub(crate) fn depth_limit(&self) -> usize {
        self.depth.min(Self::MAX_DEPTH) as usize
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_bytes: 1 << 20,
            field_bytes: 100 << 10,
            fields: 10_000,
            depth: 100,
            parts: 10_000,
            parameters: 128,
            defects: 1_000,
        }
    }
}
