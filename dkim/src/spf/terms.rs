//! What a term asks DNS, and whether it matches (RFC 7208 sections 4.6.4, 5 and 6).

use alloc::borrow::{Cow, ToOwned as _};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use scop_mime::vectors::{VECTOR, below_or_high, equal, vector};

use super::check::Limits;
use super::macros::{MacroString, Values, reverse_name};
use super::record::{Directive, DomainSpec, Mechanism, Prefix};
use super::verdict::{Cost, Identity, Names, Reason, SpfResult};
use crate::query::{Answers, DnsError, RecordKind, Records};

/// Who is checked, and by whom.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) ip: IpAddr,
    pub(super) identity: Identity,
    pub(super) names: Names,
    pub(super) receiver: Option<String>,
    pub(super) now: u64,
}

/// What all records of an evaluation share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) limits: Limits,
    pub(super) client: Client,
    pub(super) answers: Answers,
    lookups: u32,
    voids: u32,
    /// What macros expanded to; kept for its room.
    expanded: String,
}

/// How far a term is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Progress {
    #[default]
    New,
    /// It was counted as one that causes queries.
    Counted,
    /// The question about its name was put.
    Asked(usize),
}

/// What became of a term.
pub(super) enum Term {
    /// An answer is missing.
    Wait,
    No,
    /// It matches, with so many leading bits compared.
    Yes(Option<u8>),
    /// The record of another domain decides.
    Enter(Domain),
    Stop(SpfResult, Reason),
}

/// A domain whose record is looked up, and the question for it.
pub(super) struct Domain {
    pub(super) name: Arc<str>,
    pub(super) question: usize,
}

/// Why there is no name that a term is about.
enum Unnamed {
    Wait,
    /// No name that DNS could be asked for.
    Malformed,
}

/// Records of a name, or what the term is because there are none.
enum Found<'a> {
    Wait,
    Records(&'a Records),
    Void,
    Failed,
}

impl Term {
    /// Of so many bits that were compared, if the address is one that counts.
    fn of(bits: Option<u8>) -> Self {
        match bits {
            Some(_) => Term::Yes(bits),
            None => Term::No,
        }
    }
}

impl World {
    pub(super) fn new(client: Client) -> Self {
        World {
            limits: Limits::default(),
            client,
            answers: Answers::default(),
            lookups: 0,
            voids: 0,
            expanded: String::new(),
        }
    }

    pub(super) fn cost(&self) -> Cost {
        Cost {
            lookups: self.lookups,
            voids: self.voids,
            queries: self.answers.len(),
        }
    }

    /// Evaluates a directive of `domain`'s record, as far as answers are there.
    pub(super) fn directive(
        &mut self,
        directive: &Directive,
        domain: &Arc<str>,
        progress: &mut Progress,
    ) -> Term {
        let (spec, kind) = match &directive.mechanism {
            Mechanism::All => return Term::Yes(None),
            Mechanism::Ip4(network, prefix) => {
                return match self.client.ip {
                    IpAddr::V4(ip) => Term::of(contains4(*network, *prefix, ip)),
                    IpAddr::V6(_) => Term::No,
                };
            }
            Mechanism::Ip6(network, prefix) => {
                return match self.client.ip {
                    IpAddr::V4(_) => Term::No,
                    IpAddr::V6(ip) => Term::of(contains6(*network, *prefix, ip)),
                };
            }
            Mechanism::Include(spec) => (Some(spec), RecordKind::Txt),
            Mechanism::Exists(spec) => (Some(spec), RecordKind::A),
            Mechanism::A(spec, _) => (spec.as_ref(), self.address_kind()),
            Mechanism::Mx(spec, _) => (spec.as_ref(), RecordKind::Mx),
            Mechanism::Ptr(spec) => (spec.as_ref(), RecordKind::Ptr),
        };
        if let Some(stop) = self.count(spec, progress) {
            return stop;
        }
        if let Mechanism::Ptr(_) = directive.mechanism {
            return self.names_in(spec, domain);
        }
        let question = match *progress {
            Progress::Asked(question) => question,
            _ => match self.ask(spec, domain, kind) {
                Ok(domain) if matches!(directive.mechanism, Mechanism::Include(_)) => {
                    return Term::Enter(domain);
                }
                Ok(domain) => domain.question,
                Err(Unnamed::Wait) => return Term::Wait,
                // An include of it would find no record (section 5.2), the others nothing
                // to compare with: RFC 7208 section 4.8 leaves both open.
                Err(Unnamed::Malformed) => {
                    return match &directive.mechanism {
                        Mechanism::Include(_) => {
                            let reason = Reason::MalformedTarget(directive.clone());
                            Term::Stop(SpfResult::PermError, reason)
                        }
                        _ => Term::No,
                    };
                }
            },
        };
        *progress = Progress::Asked(question);
        match &directive.mechanism {
            Mechanism::A(_, prefix) => self.addresses(question, *prefix),
            Mechanism::Mx(_, prefix) => self.exchangers(question, *prefix),
            _ => self.exists(question),
        }
    }

    /// Where `redirect=` leads.
    pub(super) fn redirect(
        &mut self,
        spec: &DomainSpec,
        domain: &Arc<str>,
        progress: &mut Progress,
    ) -> Term {
        if let Some(stop) = self.count(Some(spec), progress) {
            return stop;
        }
        match self.ask(Some(spec), domain, RecordKind::Txt) {
            Ok(domain) => Term::Enter(domain),
            Err(Unnamed::Wait) => Term::Wait,
            Err(Unnamed::Malformed) => {
                let reason = Reason::MalformedRedirect(alloc::format!("{spec}"));
                Term::Stop(SpfResult::PermError, reason)
            }
        }
    }

    /// The text that `exp=` leads to (section 6.2); `None` while an answer is missing,
    /// `Some(None)` when there is none.
    pub(super) fn explanation(
        &mut self,
        spec: &DomainSpec,
        domain: &Arc<str>,
    ) -> Option<Option<String>> {
        let question = match self.ask(Some(spec), domain, RecordKind::Txt) {
            Ok(domain) => domain.question,
            Err(Unnamed::Wait) => return None,
            Err(Unnamed::Malformed) => return Some(None),
        };
        let Ok(Records::Txt(texts)) = self.answers.get(question)? else {
            return Some(None);
        };
        let [text] = &**texts else {
            return Some(None);
        };
        let Ok(text) = MacroString::parse(text, 0, true) else {
            return Some(None);
        };
        let validated = self.validated_name_for(&text, domain)?;
        let mut expanded = String::new();
        text.expand(&self.client.values(domain, &validated), &mut expanded);
        // It goes into an SMTP reply: no line end may come in by way of a macro.
        if !expanded.bytes().all(|b| matches!(b, b' '..=b'~')) {
            return Some(None);
        }
        expanded.truncate(self.limits.explanation_bytes);
        Some(Some(expanded))
    }

    /// Counts a term that causes queries (section 4.6.4), once.
    fn count(&mut self, spec: Option<&DomainSpec>, progress: &mut Progress) -> Option<Term> {
        if *progress != Progress::New {
            return None;
        }
        *progress = Progress::Counted;
        let needs_name = spec.is_some_and(|spec| spec.0.needs_validated_name());
        self.lookups = self.lookups.saturating_add(1 + u32::from(needs_name));
        (self.lookups > self.limits.lookups)
            .then_some(Term::Stop(SpfResult::PermError, Reason::TooManyLookups))
    }

    /// A term whose query came back empty: does not match, or was one too many.
    fn void(&mut self) -> Term {
        self.voids += 1;
        match self.voids > self.limits.voids {
            true => Term::Stop(SpfResult::PermError, Reason::TooManyVoids),
            false => Term::No,
        }
    }

    /// Puts the question about a `domain-spec`, or about the domain itself without one.
    fn ask(
        &mut self,
        spec: Option<&DomainSpec>,
        domain: &Arc<str>,
        kind: RecordKind,
    ) -> Result<Domain, Unnamed> {
        let Some(DomainSpec(spec)) = spec else {
            // Its record was asked for: it is a name.
            let question = self.answers.question_of(domain, kind);
            let name = Arc::clone(domain);
            return Ok(Domain { name, question });
        };
        // A name that is a name already is shared.
        let (name, shared) = match spec.literal() {
            Some(text) => (&**text, Some(text)),
            None => {
                let validated = self.validated_name_for(spec, domain);
                let validated = validated.ok_or(Unnamed::Wait)?;
                self.expanded.clear();
                let values = self.client.values(domain, &validated);
                spec.expand(&values, &mut self.expanded);
                (self.expanded.as_str(), None)
            }
        };
        let name = shortened(name);
        if !is_name(name) {
            return Err(Unnamed::Malformed);
        }
        let shared = shared.filter(|shared| shared.len() == name.len());
        let name = shared.map_or_else(|| Arc::from(name), Arc::clone);
        let question = self.answers.question_of(&name, kind);
        Ok(Domain { name, question })
    }

    /// The name that `%{p}` stands for, if it is in there; `None` while an answer is
    /// missing.
    fn validated_name_for(
        &mut self,
        text: &MacroString,
        domain: &str,
    ) -> Option<Cow<'static, str>> {
        match text.needs_validated_name() {
            true => self.validated_name(domain).map(Cow::Owned),
            false => Some(Cow::Borrowed("")),
        }
    }

    fn address_kind(&self) -> RecordKind {
        match self.client.ip {
            IpAddr::V4(_) => RecordKind::A,
            IpAddr::V6(_) => RecordKind::Aaaa,
        }
    }

    fn found(&self, question: usize) -> Found<'_> {
        match self.answers.get(question) {
            None => Found::Wait,
            Some(Err(DnsError::Temporary)) => Found::Failed,
            Some(Err(DnsError::NotFound)) => Found::Void,
            Some(Ok(records)) if records.is_empty() => Found::Void,
            Some(Ok(records)) => Found::Records(records),
        }
    }

    fn look_up(&mut self, name: &str, kind: RecordKind) -> Found<'_> {
        let question = self.answers.question(name, kind);
        self.found(question)
    }

    fn failed(&self, question: usize) -> Term {
        let name = self.answers.name(question).map_or("", |name| name);
        failed(name)
    }

    /// `a` (section 5.3).
    fn addresses(&mut self, question: usize, prefix: Prefix) -> Term {
        match self.found(question) {
            Found::Wait => Term::Wait,
            Found::Failed => self.failed(question),
            Found::Void => self.void(),
            Found::Records(records) => Term::of(covering(records, prefix, self.client.ip)),
        }
    }

    /// `exists` (section 5.7): always A.
    fn exists(&mut self, question: usize) -> Term {
        match self.found(question) {
            Found::Wait => Term::Wait,
            Found::Failed => self.failed(question),
            Found::Void => self.void(),
            Found::Records(_) => Term::Yes(None),
        }
    }

    /// `mx` (section 5.4). All hosts are asked for at once; they count in the order of
    /// the answer, so that the result does not depend on which one is answered first.
    fn exchangers(&mut self, question: usize, prefix: Prefix) -> Term {
        let hosts = match self.found(question) {
            Found::Wait => return Term::Wait,
            Found::Failed => return self.failed(question),
            Found::Void => return self.void(),
            Found::Records(Records::Mx(hosts)) => Arc::clone(hosts),
            Found::Records(_) => return Term::No,
        };
        if hosts.len() > self.limits.mx_hosts {
            let name = self.answers.name(question).map_or("", |name| name);
            let reason = Reason::TooManyHosts(name.to_owned());
            return Term::Stop(SpfResult::PermError, reason);
        }
        let (ip, kind) = (self.client.ip, self.address_kind());
        let (mut waits, mut void, mut decided) = (false, false, None);
        // They are put one behind the other.
        let mut next = question + 1;
        for (_, host) in &*hosts {
            let host = without_dot(host);
            let question = match self.answers.find_at(next, host, kind) {
                Some(question) => question,
                None if is_name(host) => self.answers.put(host.into(), kind),
                // The null MX of RFC 7505 has no name.
                None => continue,
            };
            next = question + 1;
            match self.found(question) {
                Found::Wait => waits = true,
                _ if decided.is_some() => {}
                Found::Failed => decided = Some(failed(host)),
                Found::Void => void = true,
                Found::Records(records) => {
                    let bits = covering(records, prefix, ip);
                    decided = bits.map(|bits| Term::Yes(Some(bits)));
                }
            }
        }
        match decided {
            _ if waits => Term::Wait,
            Some(term) => term,
            None if void => self.void(),
            None => Term::No,
        }
    }

    /// `ptr` (section 5.5).
    fn names_in(&mut self, spec: Option<&DomainSpec>, domain: &Arc<str>) -> Term {
        let name = match spec {
            None => Cow::Borrowed(&**domain),
            Some(spec) => {
                let Some(validated) = self.validated_name_for(&spec.0, domain) else {
                    return Term::Wait;
                };
                let mut expanded = String::new();
                spec.0
                    .expand(&self.client.values(domain, &validated), &mut expanded);
                Cow::Owned(expanded)
            }
        };
        let domain = shortened(&name);
        if !is_name(domain) {
            return Term::No;
        }
        let reverse = reverse_name(self.client.ip);
        if let Found::Void = self.look_up(&reverse, RecordKind::Ptr) {
            return self.void();
        }
        match self.validated_names() {
            None => Term::Wait,
            Some(names) => match names.iter().any(|name| is_within(name, domain)) {
                true => Term::Yes(None),
                false => Term::No,
            },
        }
    }

    /// The names of the client whose addresses it has; none after an error. `None`
    /// while an answer is missing.
    fn validated_names(&mut self) -> Option<Vec<String>> {
        let most = self.limits.names;
        let reverse = reverse_name(self.client.ip);
        let names: Vec<String> = match self.look_up(&reverse, RecordKind::Ptr) {
            Found::Wait => return None,
            Found::Records(Records::Ptr(names)) => {
                let names = names.iter().take(most);
                names.map(|name| without_dot(name).to_owned()).collect()
            }
            _ => return Some(Vec::new()),
        };
        let (ip, kind) = (self.client.ip, self.address_kind());
        let mut waits = false;
        let mut validated = Vec::new();
        for name in names.into_iter().filter(|name| is_name(name)) {
            match self.look_up(&name, kind) {
                Found::Wait => waits = true,
                Found::Records(records) if records.addresses().any(|a| a == ip) => {
                    validated.push(name);
                }
                _ => {}
            }
        }
        (!waits).then_some(validated)
    }

    /// What `%{p}` stands for (section 7.3).
    fn validated_name(&mut self, domain: &str) -> Option<String> {
        let names = self.validated_names()?;
        let same = names.iter().find(|name| name.eq_ignore_ascii_case(domain));
        let within = || names.iter().find(|name| is_within(name, domain));
        let best = same.or_else(within).or(names.first());
        Some(best.map_or_else(|| "unknown".to_owned(), Clone::clone))
    }
}

impl Client {
    fn values<'a>(&'a self, domain: &'a str, validated: &'a str) -> Values<'a> {
        Values {
            ip: self.ip,
            sender: self.names.sender(),
            local_part: self.names.local_part(),
            sender_domain: self.names.domain(),
            domain,
            helo: self.names.helo(),
            validated,
            receiver: self.receiver.as_deref().unwrap_or("unknown"),
            now: self.now,
        }
    }
}

/// What is asked for of an expanded name: without its final dot, and where it is too long
/// without labels on the left (section 7.3).
fn shortened(expanded: &str) -> &str {
    let mut name = without_dot(expanded);
    while name.len() > 253
        && let Some((_, rest)) = name.split_once('.')
    {
        name = rest;
    }
    name
}

fn failed(name: &str) -> Term {
    Term::Stop(SpfResult::TempError, Reason::DnsFailed(name.to_owned()))
}

/// How many bits of the first address that matches are those of `ip`.
fn covering(records: &Records, prefix: Prefix, ip: IpAddr) -> Option<u8> {
    match (records, ip) {
        (Records::A(addresses), IpAddr::V4(ip)) => {
            addresses.iter().find_map(|a| contains4(*a, prefix, ip))
        }
        (Records::Aaaa(addresses), IpAddr::V6(ip)) => {
            addresses.iter().find_map(|a| contains6(*a, prefix, ip))
        }
        _ => None,
    }
}

/// How many bits of `network` are those of `ip`, if all that count are.
fn contains4(network: Ipv4Addr, prefix: Prefix, ip: Ipv4Addr) -> Option<u8> {
    let same = (network.to_bits() ^ ip.to_bits()).leading_zeros();
    (same >= u32::from(prefix.ip4())).then_some(prefix.ip4())
}

fn contains6(network: Ipv6Addr, prefix: Prefix, ip: Ipv6Addr) -> Option<u8> {
    let same = (network.to_bits() ^ ip.to_bits()).leading_zeros();
    (same >= u32::from(prefix.ip6())).then_some(prefix.ip6())
}

/// Whether `name` is `domain` or below it.
fn is_within(name: &str, domain: &str) -> bool {
    let Some(start) = name.len().checked_sub(domain.len()) else {
        return false;
    };
    let (name, domain) = (name.as_bytes(), domain.as_bytes());
    let tail = name.get(start..).unwrap_or_default();
    tail.eq_ignore_ascii_case(domain) && (start == 0 || name.get(start - 1) == Some(&b'.'))
}

pub(crate) fn without_dot(name: &str) -> &str {
    match name.as_bytes() {
        [before @ .., b'.'] => name.get(..before.len()).unwrap_or_default(),
        _ => name,
    }
}

/// Whether DNS can be asked for a name as it is written: labels of 1 to 63 octets, 253
/// in all, visible ASCII but the backslash, which would escape what is behind it.
pub(crate) fn is_name(name: &str) -> bool {
    labels(name).is_some()
}

/// Whether a name may be an identity's domain (section 4.3): several labels, and no
/// address literal.
pub(super) fn is_domain(name: &str) -> bool {
    labels(name).is_some_and(|labels| labels > 1) && !name.starts_with('[')
}

/// How many labels a name has, if it is one.
fn labels(name: &str) -> Option<usize> {
    let is_label = |length| (1..=63).contains(&length);
    if name.len() > 253 {
        return None;
    }
    let (mut labels, mut label) = (1, 0);
    for bytes in name.as_bytes().chunks(VECTOR) {
        let vector = vector(bytes);
        // Blanks, DEL, backslashes and what is no ASCII; also what fills a short vector.
        let bad = below_or_high(vector, b'!') | equal(vector, 0x7f) | equal(vector, b'\\');
        if (bad.to_bitmask().trailing_zeros() as usize) < bytes.len() {
            return None;
        }
        let mut dots = equal(vector, b'.').to_bitmask();
        let mut start = 0;
        while dots != 0 {
            let dot = dots.trailing_zeros() as usize;
            if !is_label(label + dot - start) {
                return None;
            }
            (labels, label, start) = (labels + 1, 0, dot + 1);
            dots &= dots - 1;
        }
        label += bytes.len() - start;
    }
    is_label(label).then_some(labels)
}
