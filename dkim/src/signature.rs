//! The DKIM-Signature field: RFC 6376 section 3.5.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use scop_mime::NameTag;
use scop_mime::vectors::{VECTOR, below_or_high, equal, find, vector};

#[cfg(feature = "atps")]
use crate::atps::Atps;
use crate::canon::{Canonicalization, Within};
use crate::copied::CopiedField;
use crate::identity::Identity;
use crate::message::{Listed, Singles, place};
use crate::name::{Domain, NameError, Selector};
use crate::tags::{
    self, Known, TagListError, base64_decode_exact, base64_decode_into, base64_room, behind_fws,
    colon_list, decimal, zeroed,
};

/// A signing algorithm (`a=`) that this crate performs.
///
/// `rsa-sha1` is not among them: RFC 8301 section 3.1 forbids to sign or verify
/// with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 over SHA-256 (RFC 6376 section 3.3.2).
    RsaSha256,
    /// Ed25519 over a SHA-256 hash (RFC 8463).
    Ed25519Sha256,
}

impl Algorithm {
    /// As `a=` has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RsaSha256 => "rsa-sha256",
            Self::Ed25519Sha256 => "ed25519-sha256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a DKIM-Signature field is unusable (RFC 6376 section 6.1.1).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The value is no tag list.
    #[error("signature is no tag list: {0}")]
    Tags(#[from] TagListError),
    /// A required tag is absent.
    #[error("signature lacks the required tag \"{0}=\" (RFC 6376 section 6.1.1)")]
    Missing(&'static str),
    /// A tag whose value does not follow its ABNF.
    #[error("value of tag \"{0}=\" is malformed (RFC 6376 section 3.5)")]
    Malformed(&'static str),
    /// `v=` is not 1.
    #[error("signature version is not 1 (RFC 6376 section 6.1.1)")]
    Version,
    /// `a=rsa-sha1`.
    #[error("rsa-sha1 signatures must not be verified (RFC 8301 section 3.1)")]
    Sha1,
    /// `a=` names an algorithm that is not implemented.
    #[error("unknown algorithm \"{0}\" (RFC 6376 section 3.3.4)")]
    Algorithm(String),
    /// `c=` names an algorithm that is not implemented.
    #[error("unknown canonicalization \"{0}\" (RFC 6376 section 3.4)")]
    Canonicalization(String),
    /// `q=` names no query method that is implemented.
    #[error("no known query method in \"q=\", only dns/txt is defined (RFC 6376 section 3.5)")]
    QueryMethod,
    /// `d=` is no domain name.
    #[error("bad signing domain \"d=\": {0}")]
    Domain(NameError),
    /// `s=` is no selector.
    #[error("bad selector \"s=\": {0}")]
    Selector(NameError),
    /// The domain of `i=` is neither that of `d=` nor below it.
    #[error("identity \"i=\" is not within the signing domain \"d=\" (RFC 6376 section 6.1.1)")]
    DomainMismatch,
    /// `h=` does not list From.
    #[error("From is not signed (RFC 6376 section 6.1.1)")]
    FromNotSigned,
    /// `x=` is not later than `t=`.
    #[error("expiration \"x=\" is not later than the timestamp \"t=\" (RFC 6376 section 3.5)")]
    ExpiresBeforeSigned,
}

macro_rules! names {
    ($($name:ident = $text:literal;)+) => {
        /// A tag that some signature has: those of RFC 6376, 6651, 6541 and 8617.
        // Who looks for some of them does so in a feature.
        #[allow(dead_code)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Name { $($name,)+ }

        impl Name {
            const ALL: [&str; [$($text),+].len()] = [$($text),+];
            const KNOWN: Known<{ Self::ALL.len() }> = Known::new(Self::ALL);
        }
    };
}

names! {
    V = "v";
    A = "a";
    B = "b";
    Bh = "bh";
    C = "c";
    D = "d";
    H = "h";
    I = "i";
    L = "l";
    Q = "q";
    S = "s";
    T = "t";
    X = "x";
    Z = "z";
    R = "r";
    Atps = "atps";
    Atpsh = "atpsh";
    Cv = "cv";
}

/// The tags of a signature, each in its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignatureTags<'a> {
    values: [Option<&'a [u8]>; Name::ALL.len()],
    /// See [`Signature::b_span`].
    b_span: Range<usize>,
    /// There are others than those of DKIM.
    has_others: bool,
}

impl<'a> SignatureTags<'a> {
    #[cfg(feature = "arc")]
    pub(crate) fn parse(text: &'a [u8]) -> Result<Self, TagListError> {
        let mut tags = Self::default();
        tags.read(text)?;
        Ok(tags)
    }

    /// Takes the tags of a list into places that are empty.
    fn read(&mut self, text: &'a [u8]) -> Result<(), TagListError> {
        tags::read(text, &Name::KNOWN, |place, tag| {
            let value = place.and_then(|place| self.values.get_mut(place));
            match value {
                Some(value) => *value = Some(tag.value),
                None => self.has_others = true,
            }
            if place == Some(Name::B as usize) {
                self.b_span = tag.raw;
            }
        })?;
        self.has_others |= self.value(Name::Cv).is_some();
        Ok(())
    }

    #[inline]
    pub(crate) fn value(&self, name: Name) -> Option<&'a [u8]> {
        self.values.get(name as usize).copied().flatten()
    }

    #[inline]
    fn required(&self, name: Name) -> Result<&'a [u8], SignatureError> {
        let missing = || SignatureError::Missing(name.text());
        self.value(name).ok_or_else(missing)
    }
}

impl Name {
    fn text(self) -> &'static str {
        Self::ALL.get(self as usize).copied().unwrap_or_default()
    }
}

/// Whose signature it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    Dkim,
    /// An ARC-Message-Signature. RFC 8617 says that it is as DKIM has it, but sealers and
    /// the suite that they are tested with take a list of fields that is empty, or has an
    /// empty name in it, and relaxed as what holds without `c=`.
    Arc,
    /// An ARC-Seal: key, algorithm, and the signature itself. The rest is that of nothing
    /// signed.
    #[cfg(feature = "arc")]
    Seal,
}

/// A parsed and validated DKIM-Signature field.
///
/// ```
/// use scop_dkim::Signature;
/// let signature = Signature::parse(
///     b" v=1; a=ed25519-sha256; d=football.example.com; s=brisbane;\r\n\
///       \th=from : to; bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=; b=aGVsbG8=",
/// )?;
/// assert_eq!(signature.key_name(), "brisbane._domainkey.football.example.com");
/// assert!(signature.headers().eq(["from", "to"]));
/// # Ok::<(), scop_dkim::SignatureError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    algorithm: Algorithm,
    /// In one allocation the value of `b=`, decoded; the names of `h=`, each with its
    /// [`place`] behind it, whose highest bit is set, and [`BEHIND`] octets more; the value
    /// of `z=`.
    texts: Vec<u8>,
    /// Where the names begin in it, and where they end.
    names: Range<usize>,
    signed: Signed,
    domain: Domain,
    selector: Selector,
    /// Where it is another than that of the domain.
    identity: Option<Identity>,
    #[cfg(feature = "arc")]
    covers_from: bool,
    reports: bool,
    unknown_tags: bool,
    #[cfg(feature = "atps")]
    atps: Option<Atps>,
    /// Where the value of `b=` stands in the text, white space included.
    pub(crate) b_span: Range<usize>,
}

/// What a signature of a message is about, besides [fields](Signature::headers).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Signed {
    body_hash: [u8; 32],
    header_canonicalization: Canonicalization,
    body_canonicalization: Canonicalization,
    length: Option<u64>,
    timestamp: Option<u64>,
    expiration: Option<u64>,
}

/// So many octets are behind the names of `h=`, which are written and read in whole vectors.
const BEHIND: usize = 2 * VECTOR;

/// The bit that no octet of a name has.
const HIGHEST: u8 = 0x80;

/// The value of `h=` on its way from the tags into [`Signature::texts`].
struct Names<'a> {
    /// Behind the names is room for more than they are.
    room: &'a mut [u8],
    used: usize,
    /// How often those are among them that may occur once.
    singles: &'a mut Singles,
}

impl Signed {
    fn of(
        tags: &SignatureTags<'_>,
        rules: Rules,
        names: &mut Names<'_>,
    ) -> Result<Self, SignatureError> {
        use SignatureError as E;
        let body_hash = base64_decode_exact(tags.required(Name::Bh)?).ok_or(E::Malformed("bh"))?;
        names
            .take(tags.required(Name::H)?, rules)
            .ok_or(E::Malformed("h"))?;
        if rules == Rules::Dkim && names.singles.froms() == 0 {
            return Err(E::FromNotSigned);
        }
        let (header_canonicalization, body_canonicalization) = match tags.value(Name::C) {
            None if rules == Rules::Arc => (Canonicalization::Relaxed, Canonicalization::Relaxed),
            None => Default::default(),
            Some(c) => canonicalizations(c).ok_or_else(|| E::Canonicalization(lossy(c)))?,
        };
        if tags
            .value(Name::Q)
            .is_some_and(|q| !colon_list(q).any(|method| method == b"dns/txt"))
        {
            return Err(E::QueryMethod);
        }
        let number = |name: Name, digits| match tags.value(name) {
            None => Ok(None),
            Some(value) => decimal(value, digits)
                .map(Some)
                .ok_or(E::Malformed(name.text())),
        };
        let length = number(Name::L, 76)?;
        let timestamp = number(Name::T, 12)?;
        let expiration = number(Name::X, 12)?;
        if let (Some(t), Some(x)) = (timestamp, expiration)
            && x <= t
        {
            return Err(E::ExpiresBeforeSigned);
        }
        Ok(Self {
            body_hash,
            header_canonicalization,
            body_canonicalization,
            length,
            timestamp,
            expiration,
        })
    }
}

impl Names<'_> {
    /// What a list takes at most: a place for each colon, and for its last name.
    fn room(value: &[u8]) -> usize {
        value.len() + 1 + BEHIND
    }

    /// Takes the names of a list, if it is one.
    fn take(&mut self, value: &[u8], rules: Rules) -> Option<()> {
        let mut rest = value;
        loop {
            rest = behind_fws(rest);
            let length = self.copy(rest);
            if length > 0 {
                let place = place(NameTag::within(rest, length));
                self.singles.add(place);
                *self.room.get_mut(self.used + length)? = place | HIGHEST;
                self.used += length + 1;
            } else if rules != Rules::Arc {
                return None;
            }
            match behind_fws(rest.get(length..)?) {
                [] => return Some(()),
                [b':', behind @ ..] => rest = behind,
                _ => return None,
            }
        }
    }

    /// Writes the name in front, as [`is_field_name`] has it, behind those that are there
    /// (no semicolon is in a list); gives its length.
    #[inline]
    fn copy(&mut self, text: &[u8]) -> usize {
        let mut length = 0;
        loop {
            let bytes = vector(text.get(length..).unwrap_or_default());
            let room = self.room.get_mut(self.used + length..);
            if let Some(room) = room.and_then(<[u8]>::first_chunk_mut) {
                *room = bytes.to_array();
            }
            let ends = below_or_high(bytes, b'!') | equal(bytes, b':') | equal(bytes, 0x7f);
            let ends = ends.to_bitmask();
            if ends != 0 {
                return length + ends.trailing_zeros() as usize;
            }
            length += VECTOR;
        }
    }
}

impl Signature {
    /// Parses the value of a DKIM-Signature field: what follows the colon,
    /// folding left in.
    ///
    /// # Errors
    /// [`SignatureError`] for anything that RFC 6376 section 6.1.1 tells to
    /// ignore; unknown tags are no error.
    pub fn parse(value: &[u8]) -> Result<Self, SignatureError> {
        Self::read(value, &mut Singles::default())
    }

    /// The same, with how often those fields are signed that may occur once.
    pub(crate) fn read(value: &[u8], singles: &mut Singles) -> Result<Self, SignatureError> {
        let mut tags = SignatureTags::default();
        tags.read(value)?;
        if tags.required(Name::V)? != b"1" {
            return Err(SignatureError::Version);
        }
        Self::of(&tags, Rules::Dkim, singles)
    }

    /// What the tags say, all but `v`, and `i` where that is an instance.
    pub(crate) fn of(
        tags: &SignatureTags<'_>,
        rules: Rules,
        singles: &mut Singles,
    ) -> Result<Self, SignatureError> {
        use SignatureError as E;
        let algorithm = match tags.required(Name::A)? {
            b"rsa-sha256" => Algorithm::RsaSha256,
            b"ed25519-sha256" => Algorithm::Ed25519Sha256,
            b"rsa-sha1" => return Err(E::Sha1),
            other => return Err(E::Algorithm(lossy(other))),
        };
        let value = tags.required(Name::B)?;
        let headers = tags.value(Name::H).unwrap_or_default();
        let copied = match tags.value(Name::Z) {
            Some(copied) if rules == Rules::Dkim => copied,
            _ => &[],
        };
        let most = base64_room(value.len()) + Names::room(headers) + copied.len();
        let mut texts = zeroed(most);
        let start = base64_decode_into(value, &mut texts)
            .filter(|length| *length > 0)
            .ok_or(E::Malformed("b"))?;
        let domain = text(tags.required(Name::D)?, "d")
            .and_then(|t| Domain::from_unicode(t).map_err(E::Domain))?;
        let selector = text(tags.required(Name::S)?, "s")
            .and_then(|t| Selector::from_unicode(t).map_err(E::Selector))?;
        // Both fit DNS by themselves; together they may not.
        if selector.as_str().len() + "._domainkey.".len() + domain.as_str().len() > 253 {
            return Err(E::Selector(NameError::TooLong));
        }

        let mut names = Names {
            room: texts.get_mut(start..).unwrap_or_default(),
            used: 0,
            singles,
        };
        let signed = match rules {
            #[cfg(feature = "arc")]
            Rules::Seal => Signed::default(),
            Rules::Dkim | Rules::Arc => Signed::of(tags, rules, &mut names)?,
        };
        let end = start + names.used;
        let identity = match tags.value(Name::I) {
            Some(i) if rules == Rules::Dkim => {
                let identity = Identity::parse(i).ok_or(E::Malformed("i"))?;
                if !identity.domain().is_within(&domain) {
                    return Err(E::DomainMismatch);
                }
                Some(identity)
            }
            _ => None,
        };
        if let Some(behind) = texts.get_mut(end..).and_then(<[u8]>::first_chunk_mut) {
            *behind = [HIGHEST; BEHIND];
        }
        texts.truncate(end + BEHIND);
        texts.extend_from_slice(copied);
        Ok(Self {
            algorithm,
            texts,
            names: start..end,
            signed,
            identity,
            domain,
            selector,
            #[cfg(feature = "arc")]
            covers_from: singles.froms() > 0,
            // Any other value is to be ignored (RFC 6651 section 3.1).
            reports: tags.value(Name::R) == Some(b"y"),
            unknown_tags: tags.has_others,
            #[cfg(feature = "atps")]
            atps: Atps::of(tags.value(Name::Atps), tags.value(Name::Atpsh)),
            b_span: tags.b_span.clone(),
        })
    }

    /// `a=`.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `b=`, decoded. Equal values in two messages are a replay.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.texts.get(..self.names.start).unwrap_or_default()
    }

    /// `bh=`, decoded: SHA-256 of the canonical body.
    #[must_use]
    pub fn body_hash(&self) -> &[u8; 32] {
        &self.signed.body_hash
    }

    /// First half of `c=`.
    #[must_use]
    pub fn header_canonicalization(&self) -> Canonicalization {
        self.signed.header_canonicalization
    }

    /// Second half of `c=`.
    #[must_use]
    pub fn body_canonicalization(&self) -> Canonicalization {
        self.signed.body_canonicalization
    }

    /// `d=`: who takes responsibility.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// `s=`.
    #[must_use]
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// `h=`: names as written, in order. A name may occur more often than the
    /// message has fields of it.
    pub fn headers(&self) -> impl Iterator<Item = &str> + Clone {
        // They are ASCII.
        let text = |name| core::str::from_utf8(name).unwrap_or_default();
        self.names().map(text)
    }

    /// The same as bytes.
    pub(crate) fn names(&self) -> impl Iterator<Item = &[u8]> + Clone {
        self.listed().map(|listed| listed.name.text())
    }

    /// The same with their places.
    pub(crate) fn listed(&self) -> impl Iterator<Item = Listed<'_>> + Clone {
        let (mut rest, mut left) = (self.texts.as_slice(), self.names.len());
        rest = rest.get(self.names.start..).unwrap_or_default();
        core::iter::from_fn(move || {
            // A mask of bytes is of their highest bits.
            let length = find(rest, |bytes| bytes);
            left = left.checked_sub(length + 1)?;
            let place = rest.get(length)? & !HIGHEST;
            let name = Within {
                bytes: rest,
                length,
            };
            rest = rest.get(length + 1..).unwrap_or_default();
            Some(Listed { name, place })
        })
    }

    /// Whether From is among [`headers`](Self::headers).
    #[cfg(feature = "arc")]
    pub(crate) fn covers_from(&self) -> bool {
        self.covers_from
    }

    /// `i=`, or `@` and the signing domain where absent.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let identity = self.identity.clone();
        identity.unwrap_or_else(|| Identity::of(self.domain.clone()))
    }

    /// Whether [`identity`](Self::identity) is in a domain below [`domain`](Self::domain).
    pub(crate) fn is_of_subdomain(&self) -> bool {
        let identity = self.identity.as_ref();
        identity.is_some_and(|identity| *identity.domain() != self.domain)
    }

    /// `l=`: octets of the canonical body that are signed.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.signed.length
    }

    /// `t=`: seconds since 1970 in UTC.
    #[must_use]
    pub fn timestamp(&self) -> Option<u64> {
        self.signed.timestamp
    }

    /// `x=`: seconds since 1970 in UTC.
    #[must_use]
    pub fn expiration(&self) -> Option<u64> {
        self.signed.expiration
    }

    /// `z=`: fields as they were when the message was signed, in the order of the tag. Only
    /// for finding out what was changed: whether the signature verifies does not depend on
    /// them, and they are not to be shown to anybody as the message (RFC 6376 section 3.5).
    /// What cannot be read of the tag is left out.
    ///
    /// ```
    /// use scop_dkim::Signature;
    /// # let bh = "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";
    /// let tags = format!("v=1; a=rsa-sha256; d=a.test; s=s; h=from; b=aGk=; {bh}; z=From:joe|Subject:=20hi=20you");
    /// let copied: Vec<_> = Signature::parse(tags.as_bytes())?.copied_fields().collect();
    /// assert_eq!((copied[1].name.as_str(), &copied[1].value[..]), ("Subject", &b" hi you"[..]));
    /// # Ok::<(), scop_dkim::SignatureError>(())
    /// ```
    pub fn copied_fields(&self) -> impl Iterator<Item = CopiedField> {
        let copied = self.texts.get(self.names.end + BEHIND..);
        let copied = copied.unwrap_or_default();
        let fields = copied.split(|b| *b == b'|');
        fields.filter_map(CopiedField::parse)
    }

    /// `r=y`: the signer wants to hear of a failure (RFC 6651 section 3.1).
    #[must_use]
    pub fn wants_reports(&self) -> bool {
        self.reports
    }

    /// Whether there are tags that no RFC known here defines; they are ignored.
    #[must_use]
    pub fn has_unknown_tags(&self) -> bool {
        self.unknown_tags
    }

    /// `atps=` and `atpsh=`, if both are there and can be read (RFC 6541).
    #[cfg(feature = "atps")]
    #[must_use]
    pub fn atps(&self) -> Option<&Atps> {
        self.atps.as_ref()
    }

    /// The DNS name of the key record (RFC 6376 section 3.6.2.1).
    #[must_use]
    pub fn key_name(&self) -> String {
        self.selector.key_name(&self.domain)
    }

    /// See [`Selector::with_key_name`].
    pub(crate) fn with_key_name<T>(&self, read: impl FnOnce(&str) -> T) -> T {
        self.selector.with_key_name(&self.domain, read)
    }
}

fn text<'a>(value: &'a [u8], tag: &'static str) -> Result<&'a str, SignatureError> {
    core::str::from_utf8(value).map_err(|_| SignatureError::Malformed(tag))
}

fn lossy(value: &[u8]) -> String {
    value
        .iter()
        .take(64)
        .flat_map(|b| b.escape_ascii())
        .map(char::from)
        .collect()
}

/// The value of `c=`.
fn canonicalizations(value: &[u8]) -> Option<(Canonicalization, Canonicalization)> {
    use Canonicalization::{Relaxed, Simple};
    match value {
        b"relaxed/relaxed" => Some((Relaxed, Relaxed)),
        b"relaxed/simple" | b"relaxed" => Some((Relaxed, Simple)),
        b"simple/relaxed" => Some((Simple, Relaxed)),
        b"simple/simple" | b"simple" => Some((Simple, Simple)),
        _ => None,
    }
}

/// RFC 5322 field-name: printable ASCII without colon. A semicolon cannot
/// occur inside a tag.
pub(crate) fn is_field_name(name: &[u8]) -> bool {
    !name.is_empty()
        && name
            .iter()
            .all(|b| b.is_ascii_graphic() && *b != b':' && *b != b';')
}

#[cfg(test)]
mod tests {
    use super::*;

    const BH: &str = "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=";

    /// A good signature with one tag replaced (or removed by an empty text).
    fn with(name: &str, tag: &str) -> Result<Signature, SignatureError> {
        let bh = alloc::format!("bh={BH}");
        let tags = [
            "v=1",
            "a=rsa-sha256",
            "b=aGk=",
            &bh,
            "d=a.example",
            "s=x",
            "h=from",
        ];
        let mut all: Vec<&str> = tags
            .into_iter()
            .filter(|t| t.split_once('=').is_some_and(|(n, _)| n != name))
            .collect();
        if !tag.is_empty() {
            all.push(tag);
        }
        Signature::parse(all.join("; ").as_bytes())
    }

    #[test]
    fn required_tags() {
        assert!(with("", "").is_ok());
        for tag in ["v", "a", "b", "bh", "d", "s", "h"] {
            assert_eq!(with(tag, ""), Err(SignatureError::Missing(tag)), "{tag}");
            // Tag names are case-sensitive, so `D=` is an unknown tag.
            let upper = alloc::format!("{}=x", tag.to_uppercase());
            assert_eq!(
                with(tag, &upper),
                Err(SignatureError::Missing(tag)),
                "{tag}"
            );
        }
    }

    #[test]
    fn values_that_are_refused() {
        use SignatureError as E;
        for (name, tag, error) in [
            ("v", "v=2", E::Version),
            ("v", "v=", E::Version),
            ("v", "v=1.0", E::Version),
            ("a", "a=rsa-sha1", E::Sha1),
            ("a", "a=RSA-SHA256", E::Algorithm("RSA-SHA256".into())),
            ("a", "a=", E::Algorithm(String::new())),
            ("b", "b=", E::Malformed("b")),
            ("b", "b=ab!c", E::Malformed("b")),
            ("bh", "bh=aGk=", E::Malformed("bh")),
            ("bh", "bh=junk?", E::Malformed("bh")),
            ("d", "d=com", E::Domain(NameError::SingleLabel)),
            ("d", "d=a..b", E::Domain(NameError::EmptyLabel)),
            ("d", "d=a\u{2028}.de", E::Domain(NameError::NotAscii)),
            ("s", "s=../r2", E::Selector(NameError::EmptyLabel)),
            ("s", "s=a b", E::Selector(NameError::BadCharacter)),
            ("h", "h=", E::Malformed("h")),
            ("h", "h=from:", E::Malformed("h")),
            ("h", "h=from::to", E::Malformed("h")),
            ("h", "h=from to", E::Malformed("h")),
            ("h", "h=to:subject", E::FromNotSigned),
            ("c", "c=nowsp", E::Canonicalization("nowsp".into())),
            ("c", "c=relaxed/", E::Canonicalization("relaxed/".into())),
            (
                "c",
                "c=simple/simple/simple",
                E::Canonicalization("simple/simple/simple".into()),
            ),
            ("q", "q=dns", E::QueryMethod),
            ("i", "i=a.example", E::Malformed("i")),
            ("i", "i=x@notexample.com", E::DomainMismatch),
            ("i", "i=x@xa.example", E::DomainMismatch),
            ("i", "i=x=0Ay@a.example", E::Malformed("i")),
            ("l", "l=-1", E::Malformed("l")),
            ("l", "l=", E::Malformed("l")),
            ("t", "t=1e3", E::Malformed("t")),
            ("x", "x=1234567890123", E::Malformed("x")),
            ("x", "t=5; x=5", E::ExpiresBeforeSigned),
            ("x", "t=5; x=4", E::ExpiresBeforeSigned),
            (
                "v",
                "v=1; v=1",
                E::Tags(TagListError::Duplicate("v".into())),
            ),
        ] {
            assert_eq!(with(name, tag), Err(error), "{tag}");
        }
    }

    #[test]
    fn values_that_are_taken() {
        let c = |tag| {
            let s = with("c", tag)?;
            Ok::<_, SignatureError>((s.header_canonicalization(), s.body_canonicalization()))
        };
        use Canonicalization::{Relaxed, Simple};
        assert_eq!(c(""), Ok((Simple, Simple)));
        assert_eq!(c("c=relaxed"), Ok((Relaxed, Simple)));
        assert_eq!(c("c=simple/relaxed"), Ok((Simple, Relaxed)));
        assert!(with("q", "q=x509/foo : dns/txt").is_ok());
        assert!(with("zz", "zz=unknown").is_ok());
        let s = with("i", "i=joe=20q@eng.A.Example").unwrap();
        assert_eq!(s.identity().local(), "joe q");
        assert_eq!(with("i", "").unwrap().identity().local(), "");
        let s = with("h", "h= FROM \r\n\t:\r\n to").unwrap();
        assert!(s.headers().eq(["FROM", "to"]));
        let s = with("l", "l=99999999999999999999999999; x=0").unwrap();
        assert_eq!((s.length(), s.expiration()), (Some(u64::MAX), Some(0)));
    }
}
