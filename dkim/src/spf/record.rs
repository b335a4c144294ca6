//! SPF records (RFC 7208 sections 4.5, 4.6, 5, 6 and 12).

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use scop_mime::vectors::{equal, find};

use super::macros::{MacroString, is_well_formed};

/// What a mechanism that matches says about the client (section 4.6.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Qualifier {
    /// `+`, also when none is written.
    #[default]
    Pass,
    /// `-`
    Fail,
    /// `~`
    SoftFail,
    /// `?`
    Neutral,
}

/// A domain name with macros in it (section 7.1): not expanded, known to be well-formed.
/// Two are equal when they are written alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainSpec(pub(super) MacroString);

impl DomainSpec {
    /// Parses `domain-spec`.
    ///
    /// ```
    /// use scop_dkim::spf::DomainSpec;
    /// assert!(DomainSpec::parse("%{ir}._spf.%{d}").is_ok());
    /// assert!(DomainSpec::parse("example.123").is_err()); // no top label
    /// ```
    ///
    /// # Errors
    /// [`RecordError`] says where and which rule.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        Self::at(text.as_bytes(), 0)
    }

    fn at(text: &[u8], offset: usize) -> Result<Self, RecordError> {
        let parsed = MacroString::parse(text, offset, false)?;
        if parsed.ends_as_domain() {
            Ok(DomainSpec(parsed))
        } else {
            Err(RecordError::new(offset, Rule::DomainSpec))
        }
    }
}

impl fmt::Display for DomainSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

/// How many leading bits of an address count: of IPv4 (0 to 32) and of IPv6 (0 to 128).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    ip4: u8,
    ip6: u8,
}

impl Prefix {
    /// Both lengths; `None` when one is longer than its address.
    #[must_use]
    pub const fn new(ip4: u8, ip6: u8) -> Option<Self> {
        match ip4 <= 32 && ip6 <= 128 {
            true => Some(Prefix { ip4, ip6 }),
            false => None,
        }
    }

    /// Bits of an IPv4 address.
    #[must_use]
    pub const fn ip4(self) -> u8 {
        self.ip4
    }

    /// Bits of an IPv6 address.
    #[must_use]
    pub const fn ip6(self) -> u8 {
        self.ip6
    }
}

/// Whole addresses.
impl Default for Prefix {
    fn default() -> Self {
        Prefix { ip4: 32, ip6: 128 }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ip4 != 32 {
            write!(f, "/{}", self.ip4)?;
        }
        if self.ip6 != 128 {
            write!(f, "//{}", self.ip6)?;
        }
        Ok(())
    }
}

/// A test of the client's address (section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// `all`: always matches (5.1).
    All,
    /// `include:`: matches if the other domain's record gives pass (5.2).
    Include(DomainSpec),
    /// `a`: the addresses of a name (5.3), of the domain itself without one.
    A(Option<DomainSpec>, Prefix),
    /// `mx`: the addresses of a domain's mail exchangers (5.4).
    Mx(Option<DomainSpec>, Prefix),
    /// `ptr`: the client's names (5.5). The RFC says: do not use.
    Ptr(Option<DomainSpec>),
    /// `ip4:`: a network (5.6); only [`Prefix::ip4`] counts.
    Ip4(Ipv4Addr, Prefix),
    /// `ip6:`: a network (5.6); only [`Prefix::ip6`] counts.
    Ip6(Ipv6Addr, Prefix),
    /// `exists:`: whether a name has an A record (5.7).
    Exists(DomainSpec),
}

/// A mechanism with its qualifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// What a match says.
    pub qualifier: Qualifier,
    /// What is tested.
    pub mechanism: Mechanism,
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.qualifier {
            Qualifier::Pass => "",
            Qualifier::Fail => "-",
            Qualifier::SoftFail => "~",
            Qualifier::Neutral => "?",
        })?;
        let named = |f: &mut fmt::Formatter<'_>, name: &str, spec: &Option<DomainSpec>| match spec {
            Some(spec) => write!(f, "{name}:{spec}"),
            None => f.write_str(name),
        };
        match &self.mechanism {
            Mechanism::All => f.write_str("all"),
            Mechanism::Include(spec) => write!(f, "include:{spec}"),
            Mechanism::A(spec, prefix) => {
                named(f, "a", spec)?;
                write!(f, "{prefix}")
            }
            Mechanism::Mx(spec, prefix) => {
                named(f, "mx", spec)?;
                write!(f, "{prefix}")
            }
            Mechanism::Ptr(spec) => named(f, "ptr", spec),
            Mechanism::Ip4(address, prefix) => match prefix.ip4 {
                32 => write!(f, "ip4:{address}"),
                bits => write!(f, "ip4:{address}/{bits}"),
            },
            Mechanism::Ip6(address, prefix) => match prefix.ip6 {
                128 => write!(f, "ip6:{address}"),
                bits => write!(f, "ip6:{address}/{bits}"),
            },
            Mechanism::Exists(spec) => write!(f, "exists:{spec}"),
        }
    }
}

/// An SPF record: `v=spf1 ..`, syntax checked to the end (section 4.6).
///
/// ```
/// use scop_dkim::spf::{Directive, DomainSpec, Mechanism, Prefix, Qualifier, Record};
///
/// let record = Record::new()
///     .pass(Mechanism::Ip4("192.0.2.0".parse()?, Prefix::new(24, 128).unwrap()))
///     .pass(Mechanism::Include(DomainSpec::parse("_spf.example.net")?))
///     .otherwise(Qualifier::Fail);
/// assert_eq!(record.to_string(), "v=spf1 ip4:192.0.2.0/24 include:_spf.example.net -all");
/// assert_eq!(Record::parse(record.to_string().as_bytes())?, record);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    directives: Vec<Directive>,
    redirect: Option<DomainSpec>,
    explanation: Option<DomainSpec>,
    unknown: Vec<(String, String)>,
}

impl Record {
    /// A record without terms.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with another mechanism that passes.
    #[must_use]
    pub fn pass(self, mechanism: Mechanism) -> Self {
        self.directive(Qualifier::Pass, mechanism)
    }

    /// The same with another directive behind those that are there.
    #[must_use]
    pub fn directive(mut self, qualifier: Qualifier, mechanism: Mechanism) -> Self {
        self.directives.push(Directive {
            qualifier,
            mechanism,
        });
        self
    }

    /// The same with `all` at the end.
    #[must_use]
    pub fn otherwise(self, qualifier: Qualifier) -> Self {
        self.directive(qualifier, Mechanism::All)
    }

    /// The same with `redirect=` (section 6.1).
    #[must_use]
    pub fn with_redirect(mut self, domain: DomainSpec) -> Self {
        self.redirect = Some(domain);
        self
    }

    /// The same with `exp=` (section 6.2).
    #[must_use]
    pub fn with_explanation(mut self, domain: DomainSpec) -> Self {
        self.explanation = Some(domain);
        self
    }

    /// The directives in order.
    #[must_use]
    pub fn directives(&self) -> &[Directive] {
        &self.directives
    }

    /// `redirect=`, which counts only without `all`.
    #[must_use]
    pub fn redirect(&self) -> Option<&DomainSpec> {
        self.redirect.as_ref()
    }

    /// `exp=`.
    #[must_use]
    pub fn explanation(&self) -> Option<&DomainSpec> {
        self.explanation.as_ref()
    }

    /// Modifiers that the RFC does not know, which mean nothing here: name and value.
    pub fn unknown_modifiers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.unknown.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// The same with a modifier of another RFC, of which there is one then.
    pub(super) fn with_modifier(mut self, name: &str, value: String) -> Self {
        self.unknown.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.unknown.push((name.to_owned(), value));
        self
    }

    pub(super) fn has_all(&self) -> bool {
        let is_all = |d: &Directive| d.mechanism == Mechanism::All;
        self.directives.iter().any(is_all)
    }

    /// Whether a TXT record is an SPF record at all, well-formed or not: it begins with
    /// `v=spf1` and a space or its end (section 4.5).
    #[must_use]
    pub fn is_spf(text: &[u8]) -> bool {
        let Some((version, rest)) = text.split_first_chunk::<6>() else {
            return false;
        };
        version.eq_ignore_ascii_case(VERSION) && matches!(rest.first(), None | Some(b' '))
    }

    /// Parses a record: the joined strings of a TXT record. Cost: linear.
    ///
    /// # Errors
    /// [`RecordError`] for the first term that the grammar does not allow.
    pub fn parse(text: &[u8]) -> Result<Self, RecordError> {
        if !Self::is_spf(text) {
            return Err(RecordError::new(0, Rule::Version));
        }
        let mut record = Record {
            // Most have no more terms than that.
            directives: Vec::with_capacity(8),
            ..Record::default()
        };
        let mut at = VERSION.len();
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let length = find(rest, |vector| equal(vector, b' '));
            if let Some(term) = rest.get(..length).filter(|term| !term.is_empty()) {
                record.term(term, at)?;
            }
            at += length + 1;
        }
        Ok(record)
    }

    fn term(&mut self, term: &[u8], offset: usize) -> Result<(), RecordError> {
        let is_separator = |b: &u8| matches!(b, b'=' | b':' | b'/');
        let name_length = term.iter().position(is_separator).unwrap_or(term.len());
        let (name, rest) = term.split_at(name_length);
        match rest.split_first() {
            Some((b'=', value)) => self.modifier(name, value, offset),
            _ => {
                self.directives.push(directive(name, rest, offset)?);
                Ok(())
            }
        }
    }

    fn modifier(&mut self, name: &[u8], value: &[u8], offset: usize) -> Result<(), RecordError> {
        let value_at = offset + name.len() + 1;
        let slot = match name {
            _ if name.eq_ignore_ascii_case(b"redirect") => &mut self.redirect,
            _ if name.eq_ignore_ascii_case(b"exp") => &mut self.explanation,
            [first, rest @ ..]
                if first.is_ascii_alphabetic()
                    && rest
                        .iter()
                        .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b)) =>
            {
                let value = is_well_formed(value, value_at)?.to_owned();
                let name = String::from_utf8_lossy(name).into_owned();
                self.unknown.push((name, value));
                return Ok(());
            }
            _ => return Err(RecordError::new(offset, Rule::ModifierName)),
        };
        let spec = DomainSpec::at(value, value_at)?;
        match slot.replace(spec) {
            None => Ok(()),
            Some(_) => Err(RecordError::new(offset, Rule::RepeatedModifier)),
        }
    }
}

const VERSION: &[u8; 6] = b"v=spf1";

/// A mechanism: its name with the qualifier, and what comes from `:` or `/` on.
fn directive(name: &[u8], argument: &[u8], offset: usize) -> Result<Directive, RecordError> {
    let (qualifier, bare) = match name.split_first() {
        Some((b'+', bare)) => (Qualifier::Pass, bare),
        Some((b'-', bare)) => (Qualifier::Fail, bare),
        Some((b'~', bare)) => (Qualifier::SoftFail, bare),
        Some((b'?', bare)) => (Qualifier::Neutral, bare),
        _ => (Qualifier::Pass, name),
    };
    let at = offset + name.len();
    // What is behind a colon, which must be there.
    let required = || match argument.split_first() {
        Some((b':', spec)) => Ok((spec, at + 1)),
        _ => Err(RecordError::new(at, Rule::MissingArgument)),
    };
    let optional = |argument: &[u8]| match argument.split_first() {
        None => Ok(None),
        Some((b':', spec)) => DomainSpec::at(spec, at + 1).map(Some),
        Some(_) => Err(RecordError::new(at, Rule::UnexpectedArgument)),
    };
    let mechanism = match key(bare) {
        IP4 => {
            let (network, at) = required()?;
            let (network, bits) = cidr(network, at, 32)?;
            let address = dotted_quad(network).ok_or(RecordError::new(at, Rule::Network))?;
            let ip4 = Prefix {
                ip4: bits,
                ip6: 128,
            };
            Mechanism::Ip4(address, ip4)
        }
        IP6 => {
            let (network, at) = required()?;
            let (network, bits) = cidr(network, at, 128)?;
            let address = groups(network).ok_or(RecordError::new(at, Rule::Network))?;
            Mechanism::Ip6(address, Prefix { ip4: 32, ip6: bits })
        }
        ALL => match argument {
            [] => Mechanism::All,
            _ => return Err(RecordError::new(at, Rule::UnexpectedArgument)),
        },
        INCLUDE => {
            let (spec, at) = required()?;
            Mechanism::Include(DomainSpec::at(spec, at)?)
        }
        EXISTS => {
            let (spec, at) = required()?;
            Mechanism::Exists(DomainSpec::at(spec, at)?)
        }
        A => {
            let (argument, prefix) = dual_cidr(argument, at)?;
            Mechanism::A(optional(argument)?, prefix)
        }
        MX => {
            let (argument, prefix) = dual_cidr(argument, at)?;
            Mechanism::Mx(optional(argument)?, prefix)
        }
        PTR => Mechanism::Ptr(optional(argument)?),
        _ => return Err(RecordError::new(offset, Rule::UnknownMechanism)),
    };
    Ok(Directive {
        qualifier,
        mechanism,
    })
}

const A: u64 = key(b"a");
const ALL: u64 = key(b"all");
const EXISTS: u64 = key(b"exists");
const INCLUDE: u64 = key(b"include");
const IP4: u64 = key(b"ip4");
const IP6: u64 = key(b"ip6");
const MX: u64 = key(b"mx");
const PTR: u64 = key(b"ptr");

/// A name of up to seven octets as a number, which is soon compared: letters small, the
/// length on top. 0 for longer ones.
const fn key(name: &[u8]) -> u64 {
    let mut key = name.len() as u64;
    let mut rest = name;
    while let [first, behind @ ..] = rest {
        key = key << 8 | first.to_ascii_lowercase() as u64;
        rest = behind;
    }
    match name.len() {
        0..=7 => key,
        _ => 0,
    }
}

/// Takes `/24` off the end, if it is there.
fn cidr(text: &[u8], offset: usize, most: u8) -> Result<(&[u8], u8), RecordError> {
    match text.iter().position(|b| *b == b'/') {
        None => Ok((text, most)),
        Some(slash) => {
            let (network, bits) = text.split_at(slash);
            let bits = number(bits.get(1..).unwrap_or_default(), most);
            let error = RecordError::new(offset + slash, Rule::Prefix);
            bits.map(|bits| (network, bits)).ok_or(error)
        }
    }
}

/// Takes `/24//64`, or one of both, off the end, if it is there.
fn dual_cidr(text: &[u8], offset: usize) -> Result<(&[u8], Prefix), RecordError> {
    let mut prefix = Prefix::default();
    let mut rest = text;
    if let Some((before, bits)) = trailing_digits(rest)
        && let Some(before) = before.strip_suffix(b"//")
    {
        let error = RecordError::new(offset + before.len(), Rule::Prefix);
        prefix.ip6 = number(bits, 128).ok_or(error)?;
        rest = before;
    }
    if let Some((before, bits)) = trailing_digits(rest)
        && let Some(before) = before.strip_suffix(b"/")
    {
        let error = RecordError::new(offset + before.len(), Rule::Prefix);
        prefix.ip4 = number(bits, 32).ok_or(error)?;
        rest = before;
    }
    Ok((rest, prefix))
}

fn trailing_digits(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let digits = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    (digits > 0).then(|| text.split_at(text.len() - digits))
}

/// A number without leading zeros, at most `most`.
fn number(digits: &[u8], most: u8) -> Option<u8> {
    let mut number = 0u16;
    match digits {
        [] | [b'0', _, ..] | [_, _, _, _, ..] => return None,
        _ => {
            for digit in digits {
                let digit = digit.wrapping_sub(b'0');
                if digit > 9 {
                    return None;
                }
                number = number * 10 + u16::from(digit);
            }
        }
    }
    u8::try_from(number).ok().filter(|number| *number <= most)
}

/// Four numbers without leading zeros, as [`Ipv4Addr`] reads them, from bytes.
fn dotted_quad(text: &[u8]) -> Option<Ipv4Addr> {
    let digit = |byte: u8| Some(byte.wrapping_sub(b'0')).filter(|digit| *digit < 10);
    let mut octets = [0; 4];
    let mut rest = text;
    for (n, octet) in octets.iter_mut().enumerate() {
        if n > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let (first, behind) = rest.split_first()?;
        (*octet, rest) = (digit(*first)?, behind);
        while *octet > 0
            && let Some((next, behind)) = rest.split_first()
            && let Some(next) = digit(*next)
        {
            *octet = octet.checked_mul(10)?.checked_add(next)?;
            rest = behind;
        }
    }
    rest.is_empty().then(|| octets.into())
}

/// Groups of hexadecimal digits, as [`Ipv6Addr`] reads them, from bytes.
fn groups(text: &[u8]) -> Option<Ipv6Addr> {
    if text.contains(&b'.') {
        // With an IPv4 address at its end, which hardly a record has.
        return core::str::from_utf8(text).ok()?.parse().ok();
    }
    let mut groups = [0; 8];
    let (mut count, mut gap) = (0, None);
    let mut rest = text;
    if let [b':', b':', behind @ ..] = rest {
        (gap, rest) = (Some(0), behind);
    }
    while !rest.is_empty() {
        let (mut group, mut digits) = (0, 0);
        while let [byte, behind @ ..] = rest
            && let Some(digit) = char::from(*byte).to_digit(16)
        {
            group = group << 4 | digit;
            digits += 1;
            rest = behind;
        }
        if !(1..=4).contains(&digits) {
            return None;
        }
        *groups.get_mut(count)? = u16::try_from(group).ok()?;
        count += 1;
        rest = match rest {
            [b':', b':', behind @ ..] if gap.is_none() => {
                gap = Some(count);
                behind
            }
            [b':', behind @ ..] if !behind.is_empty() => behind,
            [] => break,
            _ => return None,
        };
    }
    match gap {
        None if count < 8 => return None,
        Some(_) if count == 8 => return None,
        None => {}
        // What is behind the gap goes to the end.
        Some(gap) => groups.get_mut(gap..)?.rotate_right(8 - count),
    }
    Some(groups.into())
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=spf1")?;
        for directive in &self.directives {
            write!(f, " {directive}")?;
        }
        if let Some(spec) = &self.redirect {
            write!(f, " redirect={spec}")?;
        }
        if let Some(spec) = &self.explanation {
            write!(f, " exp={spec}")?;
        }
        for (name, value) in &self.unknown {
            write!(f, " {name}={value}")?;
        }
        Ok(())
    }
}

/// A record that the grammar of RFC 7208 section 12 does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset} of the SPF record (RFC 7208 section {})", .rule.text(), .rule.section())]
pub struct RecordError {
    offset: usize,
    rule: Rule,
}

impl RecordError {
    pub(super) fn new(offset: usize, rule: Rule) -> Self {
        Self { offset, rule }
    }

    /// Where in the record: bytes from its start.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }
}

/// What was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Version,
    UnknownMechanism,
    MissingArgument,
    UnexpectedArgument,
    Network,
    Prefix,
    DomainSpec,
    Macro,
    Character,
    ModifierName,
    RepeatedModifier,
}

impl Rule {
    fn text(self) -> &'static str {
        match self {
            Rule::Version => "no \"v=spf1\"",
            Rule::UnknownMechanism => "a mechanism that does not exist",
            Rule::MissingArgument => "a mechanism without the \":\" and value that it needs",
            Rule::UnexpectedArgument => "an argument that the mechanism does not take",
            Rule::Network => "what should be an IP address is none",
            Rule::Prefix => "what should be a prefix length is none, 0 to 32 or 0 to 128",
            Rule::DomainSpec => "a domain that ends in neither a top label nor a macro",
            Rule::Macro => "a \"%\" that begins no macro",
            Rule::Character => "a character that is not allowed",
            Rule::ModifierName => "what should be the name of a modifier is none",
            Rule::RepeatedModifier => "a modifier that may come once came again",
        }
    }

    fn section(self) -> &'static str {
        match self {
            Rule::Version => "4.5",
            Rule::UnknownMechanism | Rule::ModifierName => "4.6.1",
            Rule::MissingArgument | Rule::UnexpectedArgument => "5",
            Rule::Network | Rule::Prefix => "5.6",
            Rule::DomainSpec | Rule::Macro | Rule::Character => "7.1",
            Rule::RepeatedModifier => "6",
        }
    }
}

#[cfg(test)]
mod tests;
