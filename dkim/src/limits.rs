//! What a message may cost.

/// Bounds on what is kept of a message and of DNS answers. The defaults are
/// generous for real mail; no body is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of all header fields together. Default 1 MiB.
    pub header_bytes: usize,
    /// Octets of one field, folding included. Default 100 KiB.
    pub field_bytes: usize,
    /// Number of fields. Default 10,000.
    pub fields: usize,
    /// Signatures evaluated, topmost first; the others are only counted
    /// (RFC 6376 section 8.4). Default 10.
    pub signatures: usize,
    /// Questions to DNS that one verifier or validator asks at most, whatever the message
    /// holds: keys, and what [`Policy`](crate::Policy) wants besides. What would need one
    /// more is refused. Default 50: as many keys as an ARC chain can have.
    pub queries: usize,
    /// TXT records looked at in one answer. Default 8.
    pub key_records: usize,
    /// Octets of one TXT record, its strings joined. Default 16 KiB.
    pub key_record_bytes: usize,
    /// Octets that a verifier keeps of a body in each canonical form that it hashes, for
    /// [`Verification::canonicalized_body`](crate::Verification::canonicalized_body).
    /// Default 0: a body is hashed and forgotten.
    pub kept_body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 1 << 20,
            field_bytes: 100 << 10,
            fields: 10_000,
            signatures: 10,
            queries: 50,
            key_records: 8,
            key_record_bytes: 16 << 10,
            kept_body: 0,
        }
    }
}

/// A message that exceeds [`Limits`]. Each variant carries the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitExceeded {
    /// See [`Limits::header_bytes`].
    #[error("header is longer than {0} octets")]
    Header(usize),
    /// See [`Limits::field_bytes`].
    #[error("header field is longer than {0} octets")]
    Field(usize),
    /// See [`Limits::fields`].
    #[error("header has more than {0} fields")]
    Fields(usize),
}
