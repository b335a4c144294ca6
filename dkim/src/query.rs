//! Questions to the world, as values.
//!
//! Nothing here asks DNS: a [`Query`] leaves the verifier, the caller resolves
//! it however it likes, and hands the answer back in any order.

use alloc::string::String;
use alloc::vec::Vec;

/// Names a query in [`answer`](crate::Verifier::answer). Only valid for the
/// verifier that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QueryId(pub(crate) usize);

/// Which DNS records are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordKind {
    /// Text (RFC 1035 section 3.3.14).
    Txt,
}

/// A DNS question.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// To be given with the answer.
    pub id: QueryId,
    /// A name in ASCII, at least two labels, no final dot.
    pub name: String,
    /// Which records.
    pub kind: RecordKind,
}

/// DNS records that answer a [`Query`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Records {
    /// One entry for each TXT record, its character-strings joined without
    /// anything between them (RFC 6376 section 3.6.2.2).
    Txt(Vec<Vec<u8>>),
}

impl Records {
    /// TXT records, each given as one text.
    ///
    /// ```
    /// use scop_dkim::Records;
    /// let records = Records::txt(["v=DKIM1; p=".as_bytes()]);
    /// assert_eq!(records, Records::Txt(vec![b"v=DKIM1; p=".to_vec()]));
    /// ```
    pub fn txt<T: Into<Vec<u8>>>(records: impl IntoIterator<Item = T>) -> Self {
        Self::Txt(records.into_iter().map(Into::into).collect())
    }

    /// TXT records, each given as its character-strings.
    ///
    /// ```
    /// use scop_dkim::Records;
    /// let records = Records::txt_strings([["v=DKIM1; ", "p="]]);
    /// assert_eq!(records, Records::Txt(vec![b"v=DKIM1; p=".to_vec()]));
    /// ```
    pub fn txt_strings<R, S>(records: impl IntoIterator<Item = R>) -> Self
    where
        R: IntoIterator<Item = S>,
        S: AsRef<[u8]>,
    {
        Self::Txt(
            records
                .into_iter()
                .map(|strings| {
                    let mut text = Vec::new();
                    for string in strings {
                        text.extend_from_slice(string.as_ref());
                    }
                    text
                })
                .collect(),
        )
    }
}

/// Why there are no records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DnsError {
    /// The name does not exist, or has no record of the kind: final.
    #[error("no such record")]
    NotFound,
    /// Timeout, SERVFAIL, refused, bogus DNSSEC, no network: may pass.
    #[error("DNS gave no usable answer")]
    Temporary,
}

/// A call that the caller should not have made. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// This verifier has not asked that.
    #[error("no such query was asked")]
    UnknownQuery,
    /// The query has its answer.
    #[error("the query was answered before")]
    AnsweredBefore,
}
