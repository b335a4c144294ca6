//! The author's domain (RFC 9989 section 5.3.1, RFC 7489 section 6.6.1).

use alloc::string::String;
use alloc::vec::Vec;

use scop_mime::{DefectClass, Message, mailboxes};

use crate::lines;
use crate::name::{Domain, NameError};

/// Whom a reader of the message would take for its author: the domains in its From field.
///
/// A message has one author's domain, in one From field that can be read in one way. For
/// anything else RFC 9989 defines no result (sections 4.4, 5.3.1 and 11.5), which a forger
/// must not profit from: here each message has domains that any reader might see, of which
/// each is checked, or an [`OddAuthor`] that says why there is none.
///
/// ```
/// use scop_dkim::dmarc::{Author, OddAuthor};
///
/// let author = Author::read(b"Subject: x\r\nFrom: Ann <ann@News.Example.com>\r\n\r\n");
/// assert_eq!(author.domain().unwrap().as_str(), "news.example.com");
/// let author = Author::read(b"From: <a@example.com>b@bank.test\r\n\r\n");
/// assert_eq!(author.domains().len(), 2);
/// assert_eq!(author.oddity(), Some(OddAuthor::Damaged));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Author {
    domains: Vec<Domain>,
    oddity: Option<OddAuthor>,
}

/// What is odd about the author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum OddAuthor {
    /// There is no From field.
    #[error("no From field (RFC 5322 section 3.6)")]
    NoField,
    /// There is more than one. No domain is aligned then.
    #[error("several From fields (RFC 5322 section 3.6)")]
    SeveralFields,
    /// A line that is no From field by the grammar of today, and that others would take
    /// for one: `From :`, ` From:` on top, or behind a bare CR or LF. No domain is aligned
    /// then.
    #[error("a disguised From field (RFC 9989 section 11.5)")]
    Disguised,
    /// Addresses of several domains.
    #[error("From has addresses of several domains (RFC 9989 section 11.5)")]
    SeveralDomains,
    /// The field breaks the grammar, and its readers would find different domains: all of
    /// them count.
    #[error("From can be read in several ways (RFC 9989 section 4.4)")]
    Damaged,
    /// The address stands in an encoded word or in the name of an empty group alone.
    #[error("From has its address in a name only (RFC 2047 section 5, RFC 6854)")]
    InName,
    /// Nobody, or addresses without a domain: `From: undisclosed:;`, `From: <>`.
    #[error("From has no domain (RFC 7489 section 6.6.1)")]
    NoDomain,
    /// Addresses of hosts alone: `ann@[192.0.2.1]`.
    #[error("From has an address literal for a domain (RFC 5321 section 4.1.3)")]
    AddressLiteral,
    /// A domain that DNS cannot have: too long, of bad characters, or with U-labels that
    /// IDNA does not allow.
    #[error("a domain in From is none (RFC 1035 section 2.3.1, RFC 5890 section 2.3.2)")]
    BadDomain,
    /// More than [`Author::MOST`] domains, or sixteen lines that look like From.
    #[error("From has too many domains (RFC 9989 section 11.5)")]
    TooMany,
}

impl OddAuthor {
    /// Whether RFC 5322 forbids such a message, or a check of it could not be complete.
    /// RFC 7489 section 6.6.1 has it rejected.
    #[must_use]
    pub fn is_forbidden(self) -> bool {
        use OddAuthor as Odd;
        matches!(self, Odd::NoField | Odd::SeveralFields | Odd::TooMany)
    }

    /// Whether there is no way to tell which field is that of the author.
    pub(super) fn is_doubtful(self) -> bool {
        matches!(self, OddAuthor::SeveralFields | OddAuthor::Disguised)
    }
}

impl From<Domain> for Author {
    fn from(domain: Domain) -> Self {
        Author {
            domains: alloc::vec![domain],
            oddity: None,
        }
    }
}

impl Author {
    /// How many domains there may be (RFC 9989 section 11.5).
    pub const MOST: usize = 4;

    /// Finds the author in a header, which ends at its empty line.
    ///
    /// U-labels become A-labels (RFC 9989 section 5.3.1; see
    /// [`Domain::from_unicode`]). Groups are read like lists. Cost: linear.
    #[must_use]
    pub fn read(header: &[u8]) -> Self {
        let mut found = Found {
            // Each line of three readings, and then some.
            budget: header.len().saturating_mul(4),
            ..Found::default()
        };
        let (mut exact, mut disguised) = (0usize, false);
        for (_, field) in lines::fields(header) {
            if lines::value(field, "from").is_some() {
                let name = field.get(..5);
                let is_exact = name.is_some_and(|name| name.eq_ignore_ascii_case(b"from:"));
                exact += usize::from(is_exact);
                disguised |= !is_exact;
                found.line(field, 0);
            }
            for (at, line) in lines::hidden(field) {
                if lines::value(line, "from").is_some() {
                    disguised = true;
                    found.line(field, at);
                }
            }
        }
        let Found {
            domains,
            bad,
            literal,
            damaged,
            in_name,
            flooded,
            ..
        } = found;
        let oddity = match (exact, domains.len()) {
            (2.., _) => Some(OddAuthor::SeveralFields),
            (_, n) if flooded || n > Self::MOST => Some(OddAuthor::TooMany),
            _ if disguised => Some(OddAuthor::Disguised),
            (0, _) => Some(OddAuthor::NoField),
            _ if bad => Some(OddAuthor::BadDomain),
            (_, 0) if literal => Some(OddAuthor::AddressLiteral),
            (_, 0) => Some(OddAuthor::NoDomain),
            _ if in_name => Some(OddAuthor::InName),
            (_, 1) => None,
            _ if damaged => Some(OddAuthor::Damaged),
            _ => Some(OddAuthor::SeveralDomains),
        };
        Author { domains, oddity }
    }

    /// The author of a message whose From has this domain, as a question about a domain
    /// rather than a message: U-labels are taken, and a single label, since a public suffix
    /// can have a policy (RFC 9989 section 4.10.1).
    ///
    /// ```
    /// use scop_dkim::dmarc::{Author, Check};
    /// let mut check = Check::of(&Author::of("gov")?, []);
    /// assert_eq!(&*check.next_query().unwrap().name, "_dmarc.gov");
    /// # Ok::<(), scop_dkim::NameError>(())
    /// ```
    ///
    /// # Errors
    /// [`NameError`] says what a DNS name may not hold.
    pub fn of(domain: &str) -> Result<Self, NameError> {
        Domain::of_author(domain).map(Self::from)
    }

    /// The author's domain, if there is one and no doubt about it.
    #[must_use]
    pub fn domain(&self) -> Option<&Domain> {
        match (self.oddity, self.domains.as_slice()) {
            (None, [domain]) => Some(domain),
            _ => None,
        }
    }

    /// All domains that a reader might take for the author's, in A-labels and lower case,
    /// each once; of too many the first [`MOST`](Self::MOST) and one more. One may be of a
    /// single label: a public suffix can have a policy.
    #[must_use]
    pub fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// What is odd about it; the gravest of several.
    #[must_use]
    pub fn oddity(&self) -> Option<OddAuthor> {
        self.oddity
    }
}

/// What From fields have in them.
#[derive(Default)]
struct Found {
    domains: Vec<Domain>,
    bad: bool,
    literal: bool,
    damaged: bool,
    in_name: bool,
    lines: usize,
    /// Octets that may still be read.
    budget: usize,
    /// There were more of either.
    flooded: bool,
}

/// Lines that are read as From; of more a forger could make any number.
const LINES: usize = 16;

impl Found {
    /// A line of a field that begins there, as far as it goes for each reader.
    fn line(&mut self, field: &[u8], start: usize) {
        self.lines += 1;
        if self.lines > LINES || self.flooded {
            self.flooded = true;
            return;
        }
        for end in lines::ends(field, start) {
            let line = field.get(start..end).unwrap_or_default();
            match self.budget.checked_sub(line.len()) {
                Some(budget) => self.budget = budget,
                None => {
                    self.flooded = true;
                    return;
                }
            }
            if let Some(value) = lines::value(line, "from") {
                self.take(value);
            }
        }
    }

    fn take(&mut self, value: &[u8]) {
        // The reader of fields ends them at breaks that the exact rules do not know.
        let spaced = |&b: &u8| if b.is_ascii_control() { b' ' } else { b };
        let spaced: Vec<u8> = value.iter().map(spaced).collect();
        self.read(value, &spaced);
        // Where they stay, even as a fold, they may be what ends an encoded word.
        if spaced != value {
            self.read(value, value);
        }
    }

    /// Reads a value, `shown` as that or with spaces for its control characters.
    fn read(&mut self, value: &[u8], shown: &[u8]) {
        let is_cut = value.len() >= scop_mime::Limits::default().field_bytes;
        let raw = [b"From:", shown, b"\r\n"].concat();
        let message = Message::parse(&raw);
        let Some(field) = message.header().get("from") else {
            return;
        };
        let entries = field.addresses();
        let domains = || mailboxes(&entries).filter_map(|mailbox| mailbox.domain());
        let nobody = domains().next().is_none();
        // What every reader makes the same of misleads nobody, where each `@` is that of
        // an address.
        let at_signs = shown.iter().filter(|b| **b == b'@').count();
        let is_plain = at_signs == domains().count();
        let mut classes = field.defects().into_iter().map(|d| d.kind.class());
        let is_damaged = classes.any(|class| match class {
            DefectClass::Deception => false,
            DefectClass::Deviation => !is_plain,
            _ => true,
        });
        let is_damaged = nobody || is_damaged || is_cut;
        for domain in domains() {
            self.add(&String::from_utf8_lossy(domain), is_damaged);
        }
        if is_damaged {
            // Whatever others may find in it; some drop control characters.
            self.damaged = true;
            let known = self.domains.len();
            let visible = value.iter().copied().filter(|b| !b.is_ascii_control());
            self.search(&String::from_utf8_lossy(&visible.collect::<Vec<u8>>()));
            self.search(&String::from_utf8_lossy(shown));
            self.search(&field.text());
            self.in_name |= nobody && self.domains.len() > known;
        }
    }

    /// Adds everything that follows an `@`.
    fn search(&mut self, text: &str) {
        for rest in text.split(['@', '\u{fe6b}', '\u{ff20}']).skip(1) {
            let rest = rest.trim_start();
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_');
            // IDNA has other dots, and characters that it drops: with them, and without.
            let may_be = |c: char| is_part(c) || !c.is_ascii();
            let ends = [rest.find(|c| !is_part(c)), rest.find(|c| !may_be(c))];
            for end in ends.map(|end| end.unwrap_or(rest.len())) {
                let domain = rest.get(..end).unwrap_or_default();
                if let Ok(domain) = Domain::from_unicode(domain.trim_matches(['.', '-'])) {
                    self.push(&domain);
                }
            }
        }
    }

    /// Adds that of an address. In a damaged field one label is but a part of a domain.
    fn add(&mut self, domain: &str, is_damaged: bool) {
        if domain.starts_with('[') {
            self.literal = true;
            return;
        }
        match Domain::of_author(domain.strip_suffix('.').unwrap_or(domain)) {
            Ok(domain) if !is_damaged || domain.as_str().contains('.') => self.push(&domain),
            _ => self.bad = true,
        }
    }

    fn push(&mut self, domain: &Domain) {
        if self.domains.len() <= Author::MOST && !self.domains.contains(domain) {
            // It fitted before.
            let lower = Domain::of_author(&domain.as_str().to_ascii_lowercase());
            self.domains.extend(lower);
        }
    }
}
