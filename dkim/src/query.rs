//! Questions to the world, as values.
//!
//! Nothing here asks DNS: a [`Query`] leaves the verifier, the caller resolves
//! it however it likes, and hands the answer back in any order.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::Deref;

use crate::{dmarc, spf};

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

/// As in a zone: `TXT`, `AAAA`.
impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RecordKind::Txt => "TXT",
            RecordKind::A => "A",
            RecordKind::Aaaa => "AAAA",
            RecordKind::Mx => "MX",
            RecordKind::Ptr => "PTR",
        })
    }
}

/// A DNS question. Displayed for a log: `TXT s1._domainkey.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// To be given with the answer.
    pub id: QueryId,
    /// Visible ASCII without a backslash, no final dot: labels of 1 to 63 octets, 253 in
    /// all. Not only letters and digits: SPF asks for whatever a macro made.
    pub name: Arc<str>,
    /// Which records.
    pub kind: RecordKind,
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// DNS records that answer a [`Query`]. A clone shares them with the original, so a cache
/// of answers gives them away at no cost.
///
/// ```
/// use scop_dkim::Records;
/// let addresses = Records::A(["192.0.2.1".parse()?].into());
/// let exchangers = Records::Mx(vec![(10, "mx.example.com.".to_owned())].into());
/// # Ok::<(), core::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Records {
    /// One entry for each TXT record. Made by [`Records::txt`] or
    /// [`Records::txt_strings`].
    Txt(Arc<[Text]>),
    /// IPv4 addresses.
    A(Arc<[Ipv4Addr]>),
    /// IPv6 addresses.
    Aaaa(Arc<[Ipv6Addr]>),
    /// Mail exchangers: preference and name, with or without a final dot.
    Mx(Arc<[(u16, String)]>),
    /// Names, with or without a final dot.
    Ptr(Arc<[String]>),
}

/// What a TXT record says: its character-strings joined without anything between them
/// (RFC 6376 section 3.6.2.2).
#[derive(Clone)]
pub struct Text {
    bytes: Vec<u8>,
    parsed: Parsed,
}

/// What a text was found to be, if that was looked at.
#[derive(Clone)]
enum Parsed {
    Not,
    Spf(Result<Arc<spf::Record>, spf::RecordError>),
    Dmarc(Arc<dmarc::Record>),
}

impl Text {
    /// The SPF record that it is.
    pub(crate) fn spf(&self) -> Result<Arc<spf::Record>, spf::RecordError> {
        match &self.parsed {
            Parsed::Spf(record) => record.clone(),
            _ => spf::Record::parse(self).map(Arc::new),
        }
    }

    /// The DMARC record that it is.
    pub(crate) fn dmarc(&self) -> Option<Arc<dmarc::Record>> {
        match &self.parsed {
            Parsed::Dmarc(record) => Some(Arc::clone(record)),
            _ => dmarc::Record::parse(self).map(Arc::new),
        }
    }

    fn parsed(&self) -> Self {
        let parsed = if spf::Record::is_spf(self) {
            Parsed::Spf(self.spf())
        } else {
            self.dmarc().map_or(Parsed::Not, Parsed::Dmarc)
        };
        Text {
            bytes: self.bytes.clone(),
            parsed,
        }
    }
}

impl<T: Into<Vec<u8>>> From<T> for Text {
    fn from(text: T) -> Self {
        Text {
            bytes: text.into(),
            parsed: Parsed::Not,
        }
    }
}

/// By their bytes.
impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Text {}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

/// As a byte string.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
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

    /// The same, with SPF and DMARC records among them parsed now rather than whenever a
    /// check meets them: for a cache, which answers with clones.
    ///
    /// ```
    /// use scop_dkim::spf::Check;
    /// use scop_dkim::Records;
    /// let cached = Records::txt(["v=spf1 ip4:192.0.2.0/24 -all"]).parsed();
    /// for client in ["192.0.2.7", "192.0.2.8"] {
    ///     let mut check = Check::mail_from(client.parse()?, "ann@example.com", "mx.example.com");
    ///     let query = check.next_query().unwrap();
    ///     check.answer(query.id, Ok(cached.clone()))?; // copies nothing, parses nothing
    ///     assert!(check.verdict().is_some());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn parsed(self) -> Self {
        match self {
            Records::Txt(texts) => Records::Txt(texts.iter().map(Text::parsed).collect()),
            other => other,
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
    /// let Records::Txt(texts) = Records::txt(["v=DKIM1; p="]) else { unreachable!() };
    /// assert_eq!(&*texts[0], b"v=DKIM1; p=");
    /// ```
    pub fn txt<T: Into<Vec<u8>>>(records: impl IntoIterator<Item = T>) -> Self {
        Self::Txt(records.into_iter().map(Text::from).collect())
    }

    /// TXT records, each given as its character-strings.
    ///
    /// ```
    /// use scop_dkim::Records;
    /// let records = Records::txt_strings([["v=DKIM1; ", "p="]]);
    /// assert_eq!(records, Records::txt(["v=DKIM1; p="]));
    /// ```
    pub fn txt_strings<R, S>(records: impl IntoIterator<Item = R>) -> Self
    where
        R: IntoIterator<Item = S>,
        S: AsRef<[u8]>,
    {
        Self::txt(records.into_iter().map(|strings| {
            let mut text = Vec::new();
            for string in strings {
                text.extend_from_slice(string.as_ref());
            }
            text
        }))
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
    /// How many have no answer.
    open: usize,
    /// How many at the front left as queries.
    asked: usize,
}

#[derive(Debug)]
struct Question {
    name: Arc<str>,
    kind: RecordKind,
    /// It left as a [`Query`].
    asked: bool,
    answer: Option<Result<Records, DnsError>>,
}

impl Answers {
    /// The number of a question that was put.
    pub(crate) fn find(&self, name: &str, kind: RecordKind) -> Option<usize> {
        // The same text is soon compared.
        self.find_by(kind, |known| {
            known == name || known.eq_ignore_ascii_case(name)
        })
    }

    /// As [`find`](Self::find), where it is likely that of the question named.
    pub(crate) fn find_at(&self, likely: usize, name: &str, kind: RecordKind) -> Option<usize> {
        let question = self.questions.get(likely);
        match question.is_some_and(|likely| likely.kind == kind && *likely.name == *name) {
            true => Some(likely),
            false => self.find(name, kind),
        }
    }

    /// As [`find`](Self::find), for a name that need not be made for it.
    pub(crate) fn find_by(&self, kind: RecordKind, is_it: impl Fn(&str) -> bool) -> Option<usize> {
        let mut questions = self.questions.iter();
        questions.position(|question| question.kind == kind && is_it(&question.name))
    }

    /// The number of a question, which is put if it is new.
    pub(crate) fn question(&mut self, name: &str, kind: RecordKind) -> usize {
        self.find(name, kind)
            .unwrap_or_else(|| self.put(name.into(), kind))
    }

    /// The same, sharing the name.
    pub(crate) fn question_of(&mut self, name: &Arc<str>, kind: RecordKind) -> usize {
        self.find(name, kind)
            .unwrap_or_else(|| self.put(Arc::clone(name), kind))
    }

    /// Puts a question that is known to be new.
    pub(crate) fn put(&mut self, name: Arc<str>, kind: RecordKind) -> usize {
        self.open += 1;
        if self.questions.is_empty() {
            self.questions = Vec::with_capacity(8);
        }
        self.questions.push(Question {
            name,
            kind,
            asked: false,
            answer: None,
        });
        self.questions.len() - 1
    }

    /// The answer to a question, once it is there.
    pub(crate) fn get(&self, question: usize) -> Option<&Result<Records, DnsError>> {
        self.questions.get(question)?.answer.as_ref()
    }

    /// What a question is about.
    pub(crate) fn name(&self, question: usize) -> Option<&Arc<str>> {
        Some(&self.questions.get(question)?.name)
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
        let mut open = self.questions.iter_mut().enumerate().skip(self.asked);
        let (number, question) = open.find(|(number, q)| !q.asked && wanted(*number))?;
        question.asked = true;
        if number == self.asked {
            self.asked += 1;
        }
        Some(Query {
            id: QueryId(number),
            name: Arc::clone(&question.name),
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
        self.open -= 1;
        Ok(())
    }

    /// How many questions there are.
    pub(crate) fn len(&self) -> usize {
        self.questions.len()
    }

    /// Whether none of them waits for its answer.
    pub(crate) fn is_complete(&self) -> bool {
        self.open == 0
    }
}
