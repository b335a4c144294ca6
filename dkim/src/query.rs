//! Questions to the world, as values.
//!
//! Nothing here asks DNS: a [`Query`] leaves the verifier, the caller resolves
//! it however it likes, and hands the answer back in any order.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    /// IPv4 addresses (RFC 1035 section 3.4.1).
    A,
    /// IPv6 addresses (RFC 3596 section 2.1).
    Aaaa,
    /// Mail exchangers (RFC 1035 section 3.3.9).
    Mx,
    /// The names of an address (RFC 1035 section 3.3.12).
    Ptr,
}

/// A DNS question.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// To be given with the answer.
    pub id: QueryId,
    /// Visible ASCII without a backslash, no final dot: labels of 1 to 63 octets, 253 in
    /// all. Not only letters and digits: SPF asks for whatever a macro made.
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
    /// IPv4 addresses.
    A(Vec<Ipv4Addr>),
    /// IPv6 addresses.
    Aaaa(Vec<Ipv6Addr>),
    /// Mail exchangers: preference and name, with or without a final dot.
    Mx(Vec<(u16, String)>),
    /// Names, with or without a final dot.
    Ptr(Vec<String>),
}

impl Records {
    /// Which question they answer.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        match self {
            Records::Txt(_) => RecordKind::Txt,
            Records::A(_) => RecordKind::A,
            Records::Aaaa(_) => RecordKind::Aaaa,
            Records::Mx(_) => RecordKind::Mx,
            Records::Ptr(_) => RecordKind::Ptr,
        }
    }

    /// There are none, of a name that exists.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Records::Txt(records) => records.is_empty(),
            Records::A(records) => records.is_empty(),
            Records::Aaaa(records) => records.is_empty(),
            Records::Mx(records) => records.is_empty(),
            Records::Ptr(records) => records.is_empty(),
        }
    }

    /// The addresses in A or AAAA records.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let (v4, v6): (&[Ipv4Addr], &[Ipv6Addr]) = match self {
            Records::A(addresses) => (addresses, &[]),
            Records::Aaaa(addresses) => (&[], addresses),
            _ => (&[], &[]),
        };
        let v4 = v4.iter().copied().map(IpAddr::from);
        v4.chain(v6.iter().copied().map(IpAddr::from))
    }

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
    /// The name does not exist (NXDOMAIN): final. A resolver that can tell gives empty
    /// [`Records`] for a name without records of the kind; one that cannot gives this,
    /// which only DMARC's `np` sees.
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
    /// The records are of another kind than was asked for.
    #[error("the records are not of the kind that was asked for")]
    WrongKind,
}

/// Questions that were asked, and their answers. A name is asked for once.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    questions: Vec<Question>,
}

#[derive(Debug)]
struct Question {
    name: String,
    kind: RecordKind,
    /// It left as a [`Query`].
    asked: bool,
    answer: Option<Result<Records, DnsError>>,
}

impl Answers {
    /// The number of a question that was put.
    pub(crate) fn find(&self, name: &str, kind: RecordKind) -> Option<usize> {
        let is_it = |q: &Question| q.kind == kind && q.name.eq_ignore_ascii_case(name);
        self.questions.iter().position(is_it)
    }

    /// The number of a question, which is put if it is new.
    pub(crate) fn question(&mut self, name: &str, kind: RecordKind) -> usize {
        self.find(name, kind).unwrap_or_else(|| {
            self.questions.push(Question {
                name: name.to_owned(),
                kind,
                asked: false,
                answer: None,
            });
            self.questions.len() - 1
        })
    }

    /// The answer to a question, once it is there.
    pub(crate) fn get(&self, question: usize) -> Option<&Result<Records, DnsError>> {
        self.questions.get(question)?.answer.as_ref()
    }

    /// The records of a name, if they are known; else they are asked for.
    pub(crate) fn look_up(
        &mut self,
        name: &str,
        kind: RecordKind,
    ) -> Option<&Result<Records, DnsError>> {
        let question = self.question(name, kind);
        self.get(question)
    }

    /// The next question that was not asked and whose number is `wanted`.
    pub(crate) fn next_query(&mut self, wanted: impl Fn(usize) -> bool) -> Option<Query> {
        let mut open = self.questions.iter_mut().enumerate();
        let (number, question) = open.find(|(number, q)| !q.asked && wanted(*number))?;
        question.asked = true;
        Some(Query {
            id: QueryId(number),
            name: question.name.clone(),
            kind: question.kind,
        })
    }

    pub(crate) fn answer(
        &mut self,
        id: QueryId,
        answer: Result<Records, DnsError>,
    ) -> Result<(), Misuse> {
        let question = self.questions.get_mut(id.0).filter(|q| q.asked);
        let question = question.ok_or(Misuse::UnknownQuery)?;
        if question.answer.is_some() {
            return Err(Misuse::AnsweredBefore);
        }
        if matches!(&answer, Ok(records) if records.kind() != question.kind) {
            return Err(Misuse::WrongKind);
        }
        question.answer = Some(answer);
        Ok(())
    }

    /// How many questions there are.
    pub(crate) fn len(&self) -> usize {
        self.questions.len()
    }
}
