//! How to sign: RFC 6376 section 5. What happens to a message is in [`crate::signing`].

use alloc::string::String;
use alloc::vec::Vec;

use ring::rand::SecureRandom;

use crate::canon::Canonicalization;
use crate::fields::Fields;
use crate::fold::{Folded, qp_encode};
use crate::header::Header;
use crate::identity::Identity;
use crate::limits::{LimitExceeded, Limits};
use crate::message::{BodyHash, BodyKind, Listed, selected, signed_data};
use crate::name::{Domain, Selector};
use crate::remote_key::{Key, RemoteKey};
use crate::request::Requests;
use crate::signature::is_field_name;
use crate::signing::{SignError, Signing};
use crate::signing_key::SigningKey;
use crate::tags::base64_encode;

/// The latest time that a tag has digits for (RFC 6376 section 3.5).
const LATEST: u64 = 999_999_999_999;

/// A setting that would give signatures nobody accepts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The identity is not within the signing domain.
    #[error("identity is not within the signing domain (RFC 6376 section 3.5)")]
    DomainMismatch,
    /// From is not in the list of fields.
    #[error("From must be signed (RFC 6376 section 5.4)")]
    FromNotSigned,
    /// A name that no field can have.
    #[error("not a field name: {0:?}")]
    FieldName(String),
    /// DKIM-Signature among the fields that nobody may add: the next signature breaks it.
    #[error(
        "DKIM-Signature cannot be oversigned: the next one that is added would break it (RFC 6376 section 5.4.1)"
    )]
    SignatureOversigned,
}

/// How to sign: domain, selector and key, and what has a good default.
///
/// One value serves any number of messages; clones share the key. [`and`](Self::and) joins
/// several, whose signatures are made in one pass. With a [`RemoteKey`] instead of a
/// [`SigningKey`] a message ends in the request for a signature.
///
/// ```
/// use scop_dkim::{Domain, Selector, Signer, SigningKey, SystemRandom};
/// let key = SigningKey::ed25519(&[7; 32])?;
/// let signer = Signer::new(Domain::new("example.com")?, Selector::new("s1")?, key);
///
/// let mut signing = signer.start(1_700_000_000);
/// signing.write(b"From: joe@example.com\r\nSubject: hi\r\n\r\nHello\r\n")?;
/// let field = signing.finish(&SystemRandom::new())?;
/// assert!(field.starts_with("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;"));
/// assert!(field.ends_with("\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Nothing can be signed without the three:
///
/// ```compile_fail
/// use scop_dkim::{Domain, Selector, Signer};
/// let signer = Signer::new(Domain::new("example.com")?, Selector::new("s1")?);
/// # Ok::<(), scop_dkim::NameError>(())
/// ```
///
/// # Which fields
///
/// Unless [`fields`](Self::fields) says otherwise, these are signed once more than they
/// occur, so that none can be added (RFC 6376 section 8.15): From, Reply-To, To, Cc,
/// Subject, Date, MIME-Version, Content-Type, Content-Transfer-Encoding and
/// Content-Disposition. What readers see, and what decides how the body is read.
///
/// The fields of mailing lists (List-Id, List-Help, List-Unsubscribe, List-Unsubscribe-Post,
/// List-Subscribe, List-Post, List-Owner, List-Archive) are oversigned in a message that has
/// one of them: it comes from a list or a newsletter, and RFC 8058 section 4 wants the button
/// to unsubscribe signed. In a message without any they are left open, since a list adds them
/// to what its members write, and a list that changes nothing else would break each
/// signature.
///
/// Signed as often as they occur, for the same reason: Sender, Message-ID, In-Reply-To,
/// References, Resent-Date, Resent-From, Resent-To, Resent-Cc (section 5.4.1). Not signed:
/// Received, Return-Path, Comments, Keywords and all others.
#[derive(Clone, Debug)]
pub struct Signer<K = SigningKey> {
    domain: Domain,
    selector: Selector,
    key: K,
    header: Canonicalization,
    body: Canonicalization,
    fields: Fields,
    identity: Option<Identity>,
    timestamp: bool,
    lifetime: Option<u64>,
    reports: bool,
    copies: bool,
    #[cfg(feature = "atps")]
    author: Option<(Domain, crate::atps::AtpsHash)>,
    pub(crate) limits: Limits,
}

impl Signer {
    /// Octets that the copies of [`copy_fields`](Self::copy_fields) may have as fields;
    /// encoded they are at most three times as many.
    pub const COPIED_OCTETS: usize = 16 << 10;
}

impl<K: Key> Signer<K> {
    /// A signer with relaxed/relaxed, `t=`, no expiration, and the fields named
    /// [above](Self#which-fields).
    #[must_use]
    pub fn new(domain: Domain, selector: Selector, key: K) -> Self {
        Self {
            domain,
            selector,
            key,
            header: Canonicalization::Relaxed,
            body: Canonicalization::Relaxed,
            fields: Fields::Usual,
            identity: None,
            timestamp: true,
            lifetime: None,
            reports: false,
            copies: false,
            #[cfg(feature = "atps")]
            author: None,
            limits: Limits::default(),
        }
    }

    /// Sets `c=`.
    #[must_use]
    pub fn canonicalization(mut self, header: Canonicalization, body: Canonicalization) -> Self {
        (self.header, self.body) = (header, body);
        self
    }

    /// Sets which fields are signed: `oversigned` once more than they occur,
    /// so that none can be added; `signed` as often as they occur.
    ///
    /// # Errors
    /// [`SignerError::FromNotSigned`], [`SignerError::FieldName`] and
    /// [`SignerError::SignatureOversigned`].
    pub fn fields(mut self, oversigned: &[&str], signed: &[&str]) -> Result<Self, SignerError> {
        let mut all = oversigned.iter().chain(signed);
        if let Some(bad) = all.clone().find(|name| !is_field_name(name.as_bytes())) {
            return Err(SignerError::FieldName((*bad).into()));
        }
        if !all.any(|name| name.eq_ignore_ascii_case("from")) {
            return Err(SignerError::FromNotSigned);
        }
        let mut over = oversigned.iter();
        if over.any(|name| name.eq_ignore_ascii_case("dkim-signature")) {
            return Err(SignerError::SignatureOversigned);
        }
        self.fields = Fields::given(oversigned, signed);
        Ok(self)
    }

    /// Sets `i=`.
    ///
    /// # Errors
    /// [`SignerError::DomainMismatch`].
    pub fn identity(mut self, identity: Identity) -> Result<Self, SignerError> {
        if !identity.domain().is_within(&self.domain) {
            return Err(SignerError::DomainMismatch);
        }
        self.identity = Some(identity);
        Ok(self)
    }

    /// Sets `x=` to so many seconds after the time of signing; at least 1, and at most what
    /// its twelve digits hold.
    #[must_use]
    pub fn expires_after(mut self, seconds: u64) -> Self {
        self.lifetime = Some(seconds.max(1));
        self
    }

    /// Leaves `t=` out.
    #[must_use]
    pub fn without_timestamp(mut self) -> Self {
        self.timestamp = false;
        self
    }

    /// Writes `z=`: the signed fields as they were signed, so that whoever gets a message
    /// with a broken signature can see what was changed. Those that come first in `h=` and
    /// have [`COPIED_OCTETS`](Signer::COPIED_OCTETS) together; the others are left out.
    /// Everybody can read them, and verification never uses them (RFC 6376 section 3.5).
    #[must_use]
    pub fn copy_fields(mut self) -> Self {
        self.copies = true;
        self
    }

    /// Writes `r=y`: failures are to be reported to the address in
    /// [`ReportRecord`](crate::reporting::ReportRecord) (RFC 6651 section 3.1).
    #[must_use]
    pub fn request_reports(mut self) -> Self {
        self.reports = true;
        self
    }

    /// Writes `atps=` and `atpsh=`: the signature is made for `author`, whose domain
    /// publishes an [`AtpsRecord`](crate::atps::AtpsRecord) that allows it (RFC 6541
    /// section 4.2).
    #[cfg(feature = "atps")]
    #[must_use]
    pub fn on_behalf_of(mut self, author: Domain, hash: crate::atps::AtpsHash) -> Self {
        self.author = Some((author, hash));
        self
    }

    /// Bounds what is kept of a header, and how long the signature may get
    /// ([`Limits::field_bytes`]).
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// This signature and another one, in one pass. The first one comes out on top; its
    /// [`limits`](Self::limits) bound the header.
    ///
    /// ```
    /// use scop_dkim::{Domain, Selector, Signer, SigningKey, SystemRandom};
    /// # let rsa = SigningKey::from_pem(include_str!("../tests/fixtures/rsa2048-pkcs8.pem"))?;
    /// # let ed25519 = SigningKey::ed25519(&[7; 32])?;
    /// let domain = Domain::new("example.com")?;
    /// let signers = Signer::new(domain.clone(), Selector::new("r1")?, rsa)
    ///     .and(Signer::new(domain, Selector::new("e1")?, ed25519));
    ///
    /// let mut signing = signers.start(1_700_000_000);
    /// signing.write(b"From: joe@example.com\r\n\r\nHello\r\n")?; // hashed once
    /// let fields = signing.finish(&SystemRandom::new())?;
    /// assert_eq!(fields.matches("DKIM-Signature: ").count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn and(self, other: Signer<K>) -> Signers<K> {
        Signers::from(self).and(other)
    }

    /// Begins a message. `now` is the time in seconds since 1970.
    #[must_use]
    pub fn start(&self, now: u64) -> Signing<K> {
        Signers::from(self.clone()).start(now)
    }

    /// The hash that is needed.
    pub(crate) fn body(&self) -> BodyKind {
        BodyKind::whole(self.body)
    }

    /// The field, but for the signature.
    pub(crate) fn prepare(
        &self,
        header: &Header,
        bodies: &[BodyHash],
        now: u64,
    ) -> Result<Unfinished, SignError> {
        let body = self.body().find(bodies).ok_or(SignError::Crypto)?;
        let names = self.fields.names(header);
        let field = self.field(now, &names, header, &body.digest);
        let signed = names.iter().copied();
        let data = signed_data(self.header, header, signed, field.as_bytes());
        Ok(Unfinished {
            data: data.into_bytes(),
            field,
            most: self.limits.field_bytes,
        })
    }

    /// The field up to and including `b=`, folded.
    fn field(&self, now: u64, names: &[&str], header: &Header, body_hash: &[u8]) -> String {
        let mut out = Folded::new("DKIM-Signature:");
        out.word("v=1;");
        out.tag(&["a=", self.key.algorithm().name(), ";"]);
        out.tag(&["c=", self.header.name(), "/", self.body.name(), ";"]);
        out.tag(&["d=", self.domain.as_str(), ";"]);
        out.tag(&["s=", self.selector.as_str(), ";"]);
        if let Some(identity) = &self.identity {
            let local = qp_encode(identity.local().as_bytes());
            out.tag(&["i=", &local, "@", identity.domain().as_str(), ";"]);
        }
        if self.timestamp {
            out.number("t=", now);
        }
        if let Some(lifetime) = self.lifetime {
            out.number("x=", now.saturating_add(lifetime).min(LATEST));
        }
        if self.reports {
            out.word("r=y;");
        }
        #[cfg(feature = "atps")]
        if let Some((author, hash)) = &self.author {
            out.word(&alloc::format!("atps={author};"));
            out.word(&alloc::format!("atpsh={hash};"));
        }
        out.names(names);
        if self.copies {
            let names = names.iter().map(|name| Listed::new(name));
            let selected = selected(header, names, None);
            copies(&mut out, &selected, header);
        }
        out.tag(&["bh=", &base64_encode(body_hash), ";"]);
        out.word("b=");
        out.text
    }
}

/// A field whose signature is to be made.
pub(crate) struct Unfinished {
    /// Up to and including `b=`, folded.
    pub(crate) field: String,
    /// What is to be signed.
    pub(crate) data: Vec<u8>,
    /// Octets that the field may have.
    pub(crate) most: usize,
}

impl Unfinished {
    /// The field, whole.
    pub(crate) fn finish(self, signature: &[u8]) -> Result<String, SignError> {
        let mut out = Folded::resume(self.field);
        out.base64(signature);
        out.text.push_str("\r\n");
        // So many names that no verifier would read them.
        match out.text.len() > self.most {
            true => Err(LimitExceeded::Field(self.most).into()),
            false => Ok(out.text),
        }
    }

    /// The same with a key that is here.
    pub(crate) fn sign(
        self,
        key: &SigningKey,
        random: &dyn SecureRandom,
    ) -> Result<String, SignError> {
        let signature = key.sign(random, &self.data).ok_or(SignError::Crypto)?;
        self.finish(&signature)
    }
}

/// Appends `z=`.
fn copies(out: &mut Folded, selected: &[usize], header: &Header) {
    let mut octets = 0;
    let fits = selected.iter().take_while(|field| {
        octets += header.field(**field).len();
        octets <= Signer::COPIED_OCTETS
    });
    let mut before = "z=";
    for &field in fits {
        // A name with the character between fields in it would be two.
        let name = core::str::from_utf8(header.name(field)).unwrap_or_default();
        if name.contains('|') {
            continue;
        }
        match before {
            "z=" => out.word(before),
            _ => out.part(before),
        }
        before = "|";
        out.part(&alloc::format!("{name}:"));
        out.quoted(&qp_encode(header.value(field)));
    }
    if before == "|" {
        out.part(";");
    }
}

/// Several signatures of one message, made in one pass: RSA and Ed25519 side by side (RFC
/// 8463 section 3), or those of several domains. Made by [`Signer::and`], so there is one at
/// least.
#[derive(Clone, Debug)]
pub struct Signers<K = SigningKey> {
    first: Signer<K>,
    others: Vec<Signer<K>>,
}

impl<K> From<Signer<K>> for Signers<K> {
    fn from(first: Signer<K>) -> Self {
        Self {
            first,
            others: Vec::new(),
        }
    }
}

impl<K: Key> Signers<K> {
    /// One more; its signature comes below the others.
    #[must_use]
    pub fn and(mut self, other: Signer<K>) -> Self {
        self.others.push(other);
        self
    }

    /// Begins a message. `now` is the time in seconds since 1970.
    #[must_use]
    pub fn start(&self, now: u64) -> Signing<K> {
        Signing::new(self.clone(), now)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.first.limits
    }

    /// From the top down.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Signer<K>> {
        core::iter::once(&self.first).chain(&self.others)
    }
}

impl Signers {
    /// All fields.
    pub(crate) fn sign(
        &self,
        header: &Header,
        bodies: &[BodyHash],
        now: u64,
        random: &dyn SecureRandom,
    ) -> Result<String, SignError> {
        let sign = |signer: &Signer| {
            let unfinished = signer.prepare(header, bodies, now)?;
            unfinished.sign(&signer.key, random)
        };
        self.iter().map(sign).collect()
    }
}

impl Signers<RemoteKey> {
    /// What has to be signed elsewhere for them.
    pub(crate) fn requests(
        &self,
        header: &Header,
        bodies: &[BodyHash],
        now: u64,
    ) -> Result<Requests, SignError> {
        let mut requests = Requests::default();
        for signer in self.iter() {
            let unfinished = signer.prepare(header, bodies, now)?;
            let names = (&signer.domain, &signer.selector);
            requests.push("DKIM-Signature", names, &signer.key, unfinished);
        }
        Ok(requests)
    }
}
