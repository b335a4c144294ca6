//! What a term asks DNS, and whether it matches (RFC 7208 sections 4.6.4, 5 and 6).

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::check::Limits;
use super::macros::{MacroString, Values, reverse_name};
use super::record::{Directive, DomainSpec, Mechanism, Prefix, Record};
use super::verdict::{Cost, Identity, Reason, SpfResult};
use crate::query::{Answers, DnsError, RecordKind, Records};

/// Who is checked, and by whom.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) ip: IpAddr,
    pub(super) identity: Identity,
    pub(super) local_part: String,
    pub(super) domain: String,
    pub(super) helo: String,
    pub(super) receiver: String,
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
}

/// What became of a term.
pub(super) enum Term {
    /// An answer is missing.
    Wait,
    No,
    /// It matches, with so many leading bits compared.
    Yes(Option<u8>),
    /// The record of another domain decides.
    Enter(String),
    Stop(SpfResult, Reason),
}

/// The name that a term is about.
enum Target {
    Wait,
    Name(String),
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

impl World {
    pub(super) fn new(client: Client) -> Self {
        World {
            limits: Limits::default(),
            client,
            answers: Answers::default(),
            lookups: 0,
            voids: 0,
        }
    }

    /// The record of the identity's domain, if it is the only one.
    pub(super) fn record(&self) -> Option<String> {
        let question = self.answers.find(&self.client.domain, RecordKind::Txt)?;
        let Some(Ok(Records::Txt(texts))) = self.answers.get(question) else {
            return None;
        };
        let mut records = texts.iter().filter(|text| Record::is_spf(text));
        let record = records
            .next()
            .filter(|text| text.len() <= self.limits.record_bytes)?;
        match records.next() {
            None => Some(String::from_utf8_lossy(record).into_owned()),
            Some(_) => None,
        }
    }

    pub(super) fn cost(&self) -> Cost {
        Cost {
            lookups: self.lookups,
            voids: self.voids,
            queries: self.answers.len(),
        }
    }

    /// Evaluates a directive of `domain`'s record, from its start. `counted` says that
    /// this one was counted before.
    pub(super) fn directive(
        &mut self,
        directive: &Directive,
        domain: &str,
        counted: &mut bool,
    ) -> Term {
        let spec = match &directive.mechanism {
            Mechanism::All => return Term::Yes(None),
            Mechanism::Ip4(network, prefix) => {
                return self.network((*network).into(), *prefix);
            }
            Mechanism::Ip6(network, prefix) => {
                return self.network((*network).into(), *prefix);
            }
            Mechanism::Include(spec) | Mechanism::Exists(spec) => Some(spec),
            Mechanism::A(spec, _) | Mechanism::Mx(spec, _) | Mechanism::Ptr(spec) => spec.as_ref(),
        };
        if let Some(stop) = self.count(spec, counted) {
            return stop;
        }
        let name = match self.target(spec, domain) {
            Target::Wait => return Term::Wait,
            Target::Name(name) => name,
            // An include of it would find no record (section 5.2), the others nothing
            // to compare with: RFC 7208 section 4.8 leaves both open.
            Target::Malformed => {
                return match &directive.mechanism {
                    Mechanism::Include(_) => {
                        let reason = Reason::MalformedTarget(directive.clone());
                        Term::Stop(SpfResult::PermError, reason)
                    }
                    _ => Term::No,
                };
            }
        };
        match &directive.mechanism {
            Mechanism::Include(_) => Term::Enter(name),
            Mechanism::A(_, prefix) => self.addresses(&name, *prefix),
            Mechanism::Mx(_, prefix) => self.exchangers(&name, *prefix),
            Mechanism::Ptr(_) => self.names_in(&name),
            _ => self.exists(&name),
        }
    }

    /// Where `redirect=` leads.
    pub(super) fn redirect(&mut self, spec: &DomainSpec, domain: &str, counted: &mut bool) -> Term {
        if let Some(stop) = self.count(Some(spec), counted) {
            return stop;
        }
        match self.target(Some(spec), domain) {
            Target::Wait => Term::Wait,
            Target::Name(name) => Term::Enter(name),
            Target::Malformed => {
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
        domain: &str,
    ) -> Option<Option<String>> {
        let name = match self.target(Some(spec), domain) {
            Target::Wait => return None,
            Target::Name(name) => name,
            Target::Malformed => return Some(None),
        };
        let Ok(Records::Txt(texts)) = self.answers.look_up(&name, RecordKind::Txt)? else {
            return Some(None);
        };
        let [text] = &**texts else {
            return Some(None);
        };
        let Ok(text) = MacroString::parse(text, 0, true) else {
            return Some(None);
        };
        let validated = match text.needs_validated_name() {
            true => self.validated_name(domain)?,
            false => String::new(),
        };
        let mut text = text.expand(&self.values(domain, &validated));
        // It goes into an SMTP reply: no line end may come in by way of a macro.
        if !text.bytes().all(|b| matches!(b, b' '..=b'~')) {
            return Some(None);
        }
        text.truncate(self.limits.explanation_bytes);
        Some(Some(text))
    }

    /// Counts a term that causes queries (section 4.6.4), once.
    fn count(&mut self, spec: Option<&DomainSpec>, counted: &mut bool) -> Option<Term> {
        if core::mem::replace(counted, true) {
            return None;
        }
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

    fn values<'a>(&'a self, domain: &'a str, validated: &'a str) -> Values<'a> {
        Values {
            ip: self.client.ip,
            local_part: &self.client.local_part,
            sender_domain: &self.client.domain,
            domain,
            helo: &self.client.helo,
            validated,
            receiver: &self.client.receiver,
            now: self.client.now,
        }
    }

    /// Expands `domain-spec` (section 4.8); without one it is the domain itself.
    fn target(&mut self, spec: Option<&DomainSpec>, domain: &str) -> Target {
        let Some(spec) = spec else {
            return Target::Name(domain.to_owned());
        };
        let validated = match spec.0.needs_validated_name() {
            true => match self.validated_name(domain) {
                Some(name) => name,
                None => return Target::Wait,
            },
            false => String::new(),
        };
        let expanded = spec.0.expand(&self.values(domain, &validated));
        let mut name = expanded.strip_suffix('.').unwrap_or(&expanded);
        // Too long: labels go from the left (section 7.3).
        while name.len() > 253
            && let Some((_, rest)) = name.split_once('.')
        {
            name = rest;
        }
        match is_name(name) {
            true => Target::Name(name.to_owned()),
            false => Target::Malformed,
        }
    }

    fn network(&self, network: IpAddr, prefix: Prefix) -> Term {
        match contains(network, prefix, self.client.ip) {
            Some(bits) => Term::Yes(Some(bits)),
            None => Term::No,
        }
    }

    fn address_kind(&self) -> RecordKind {
        match self.client.ip {
            IpAddr::V4(_) => RecordKind::A,
            IpAddr::V6(_) => RecordKind::Aaaa,
        }
    }

    fn look_up(&mut self, name: &str, kind: RecordKind) -> Found<'_> {
        match self.answers.look_up(name, kind) {
            None => Found::Wait,
            Some(Err(DnsError::Temporary)) => Found::Failed,
            Some(Err(DnsError::NotFound)) => Found::Void,
            Some(Ok(records)) if records.is_empty() => Found::Void,
            Some(Ok(records)) => Found::Records(records),
        }
    }

    /// `a` (section 5.3).
    fn addresses(&mut self, name: &str, prefix: Prefix) -> Term {
        let (ip, kind) = (self.client.ip, self.address_kind());
        match self.look_up(name, kind) {
            Found::Wait => Term::Wait,
            Found::Failed => failed(name),
            Found::Void => self.void(),
            Found::Records(records) => {
                match records.addresses().find_map(|a| contains(a, prefix, ip)) {
                    Some(bits) => Term::Yes(Some(bits)),
                    None => Term::No,
                }
            }
        }
    }

    /// `exists` (section 5.7): always A.
    fn exists(&mut self, name: &str) -> Term {
        match self.look_up(name, RecordKind::A) {
            Found::Wait => Term::Wait,
            Found::Failed => failed(name),
            Found::Void => self.void(),
            Found::Records(_) => Term::Yes(None),
        }
    }

    /// `mx` (section 5.4). All hosts are asked for at once; they count in the order of
    /// the answer, so that the result does not depend on which one is answered first.
    fn exchangers(&mut self, name: &str, prefix: Prefix) -> Term {
        let hosts: Vec<String> = match self.look_up(name, RecordKind::Mx) {
            Found::Wait => return Term::Wait,
            Found::Failed => return failed(name),
            Found::Void => return self.void(),
            Found::Records(Records::Mx(hosts)) => {
                hosts.iter().map(|(_, host)| host.clone()).collect()
            }
            Found::Records(_) => return Term::No,
        };
        if hosts.len() > self.limits.mx_hosts {
            return Term::Stop(SpfResult::PermError, Reason::TooManyHosts(name.to_owned()));
        }
        let (ip, kind) = (self.client.ip, self.address_kind());
        let hosts = hosts
            .iter()
            .map(|host| host.strip_suffix('.').unwrap_or(host));
        // The null MX of RFC 7505 has no name.
        let hosts: Vec<&str> = hosts.filter(|host| is_name(host)).collect();
        let mut waits = false;
        for host in &hosts {
            waits |= matches!(self.look_up(host, kind), Found::Wait);
        }
        if waits {
            return Term::Wait;
        }
        let mut void = false;
        for host in hosts {
            match self.look_up(host, kind) {
                Found::Wait => return Term::Wait,
                Found::Failed => return failed(host),
                Found::Void => void = true,
                Found::Records(records) => {
                    if let Some(bits) = records.addresses().find_map(|a| contains(a, prefix, ip)) {
                        return Term::Yes(Some(bits));
                    }
                }
            }
        }
        match void {
            true => self.void(),
            false => Term::No,
        }
    }

    /// `ptr` (section 5.5).
    fn names_in(&mut self, domain: &str) -> Term {
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
                names
                    .map(|n| n.strip_suffix('.').unwrap_or(n).to_owned())
                    .collect()
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

fn failed(name: &str) -> Term {
    Term::Stop(SpfResult::TempError, Reason::DnsFailed(name.to_owned()))
}

/// How many bits of `network` are those of `ip`, if all that count are.
fn contains(network: IpAddr, prefix: Prefix, ip: IpAddr) -> Option<u8> {
    let (same, bits) = match (network, ip) {
        (IpAddr::V4(network), IpAddr::V4(ip)) => {
            let differ = network.to_bits() ^ ip.to_bits();
            (differ.leading_zeros(), prefix.ip4())
        }
        (IpAddr::V6(network), IpAddr::V6(ip)) => {
            let differ = network.to_bits() ^ ip.to_bits();
            (differ.leading_zeros(), prefix.ip6())
        }
        _ => return None,
    };
    (same >= u32::from(bits)).then_some(bits)
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

/// Whether DNS can be asked for a name as it is written: labels of 1 to 63 octets, 253
/// in all, visible ASCII but the backslash, which would escape what is behind it.
fn is_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| (1..=63).contains(&label.len()))
        && name.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

/// Whether a name may be an identity's domain (section 4.3): several labels, and no
/// address literal.
pub(super) fn is_domain(name: &str) -> bool {
    is_name(name) && name.contains('.') && !name.starts_with('[')
}
