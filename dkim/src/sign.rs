//! Signing: RFC 6376 section 5.

use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ring::rand::SecureRandom;

use crate::canon::Canonicalization;
use crate::header::Header;
use crate::limits::{LimitExceeded, Limits};
use crate::message::{BodyHash, BodyKind, select, signed_data};
use crate::name::{Domain, Selector};
use crate::pass::Pass;
use crate::signature::{Identity, is_field_name};
use crate::signing_key::SigningKey;
use crate::tags::base64_encode;

/// Signed once more than they occur, so that nobody can add one: what a
/// reader sees and what decides how the body is read.
pub(crate) const OVERSIGNED: &[&str] = &[
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Disposition",
];

/// Signed as often as they occur: relays and mailing lists may add one where
/// there was none.
pub(crate) const SIGNED: &[&str] = &[
    "Message-ID",
    "In-Reply-To",
    "References",
    "Resent-Date",
    "Resent-From",
    "Resent-To",
    "Resent-Cc",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
];

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
}

/// Why a message was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The header is over a limit.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// The message has no From field, or several (RFC 5322 section 3.6).
    #[error("message has {0} From fields instead of one (RFC 5322 section 3.6)")]
    FromCount(usize),
    /// A line looks like a From field but is none; verifiers would refuse it.
    #[error("message has a malformed From field (RFC 5322 section 2.2)")]
    FromMalformed,
    /// The message begins with white space: its first line would belong to the signature.
    #[error(
        "message begins with white space, which would go on with a field above it (RFC 5322 section 2.2.3)"
    )]
    BeginsFolded,
    /// The cryptographic library refused.
    #[error("the signing operation failed")]
    Crypto,
}

/// How to sign: domain, selector and key, and what has a good default.
///
/// One value serves any number of messages; clones share the key.
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
#[derive(Clone, Debug)]
pub struct Signer {
    domain: Domain,
    selector: Selector,
    key: Arc<SigningKey>,
    header: Canonicalization,
    body: Canonicalization,
    oversigned: Arc<[String]>,
    signed: Arc<[String]>,
    identity: Option<Identity>,
    timestamp: bool,
    lifetime: Option<u64>,
    limits: Limits,
}

impl Signer {
    /// A signer with relaxed/relaxed, `t=`, no expiration, and the fields of
    /// RFC 6376 section 5.4.1: what readers see and what decides how the body
    /// is read is signed once more than it occurs.
    #[must_use]
    pub fn new(domain: Domain, selector: Selector, key: SigningKey) -> Self {
        let names = |list: &[&str]| list.iter().map(|name| (*name).into()).collect();
        Self {
            domain,
            selector,
            key: Arc::new(key),
            header: Canonicalization::Relaxed,
            body: Canonicalization::Relaxed,
            oversigned: names(OVERSIGNED),
            signed: names(SIGNED),
            identity: None,
            timestamp: true,
            lifetime: None,
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
    /// [`SignerError::FromNotSigned`] and [`SignerError::FieldName`].
    pub fn fields(mut self, oversigned: &[&str], signed: &[&str]) -> Result<Self, SignerError> {
        let mut all = oversigned.iter().chain(signed);
        if let Some(bad) = all.clone().find(|name| !is_field_name(name.as_bytes())) {
            return Err(SignerError::FieldName((*bad).into()));
        }
        if !all.any(|name| name.eq_ignore_ascii_case("from")) {
            return Err(SignerError::FromNotSigned);
        }
        self.oversigned = oversigned.iter().map(|name| (*name).into()).collect();
        self.signed = signed.iter().map(|name| (*name).into()).collect();
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

    /// Sets `x=` to so many seconds after the time of signing; at least 1.
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

    /// Bounds what is kept of a header.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Begins a message. `now` is the time in seconds since 1970.
    #[must_use]
    pub fn start(&self, now: u64) -> Signing {
        Signing {
            pass: Pass::new(&self.limits),
            header: Arc::default(),
            signer: self.clone(),
            now,
        }
    }

    /// Whether a message may be signed, and the hash that is needed.
    fn begin(
        &self,
        header: &Arc<Header>,
        kept: &mut Arc<Header>,
    ) -> Result<Vec<BodyKind>, SignError> {
        if header.has_from_lookalike() {
            return Err(SignError::FromMalformed);
        }
        if header.begins_folded() {
            return Err(SignError::BeginsFolded);
        }
        match header.named(b"from").len() {
            1 => {}
            from => return Err(SignError::FromCount(from)),
        }
        *kept = Arc::clone(header);
        Ok(alloc::vec![BodyKind::whole(self.body)])
    }

    /// The field, whole.
    fn sign(
        &self,
        header: &Header,
        bodies: &[BodyHash],
        now: u64,
        random: &dyn SecureRandom,
    ) -> Result<String, SignError> {
        let body = BodyKind::whole(self.body).find(bodies);
        let names = self.names(header);
        let field = self.field(now, &names, &body.ok_or(SignError::Crypto)?.digest);
        let selected = select(header, names.iter().copied(), None);
        let data = signed_data(self.header, header, &selected, field.as_bytes());
        let signature = self.key.sign(random, &data).ok_or(SignError::Crypto)?;
        let mut out = Folded::resume(field);
        out.base64(&signature);
        out.text.push_str("\r\n");
        Ok(out.text)
    }

    /// The names of `h=` for this header.
    fn names(&self, header: &Header) -> Vec<&str> {
        let count = |name: &str| header.named(name.to_ascii_lowercase().as_bytes()).len();
        let mut names: Vec<&str> = Vec::new();
        let lists = [(&self.oversigned, 1), (&self.signed, 0)];
        for (list, extra) in lists {
            for name in list.iter() {
                // A name in both lists, or twice in one, counts once.
                if !names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
                    names.extend(core::iter::repeat_n(name.as_str(), count(name) + extra));
                }
            }
        }
        names
    }

    /// The field up to and including `b=`, folded.
    fn field(&self, now: u64, names: &[&str], body_hash: &[u8]) -> String {
        let mut out = Folded::new("DKIM-Signature:");
        out.word("v=1;");
        out.word(&alloc::format!("a={};", self.key.algorithm()));
        out.word(&alloc::format!("c={}/{};", self.header, self.body));
        out.word(&alloc::format!("d={};", self.domain));
        out.word(&alloc::format!("s={};", self.selector));
        if let Some(identity) = &self.identity {
            let local = qp_encode(identity.local());
            out.word(&alloc::format!("i={local}@{};", identity.domain()));
        }
        if self.timestamp {
            out.word(&alloc::format!("t={now};"));
        }
        if let Some(lifetime) = self.lifetime {
            out.word(&alloc::format!("x={};", now.saturating_add(lifetime)));
        }
        out.names(names);
        out.word(&alloc::format!("bh={};", base64_encode(body_hash)));
        out.word("b=");
        out.text
    }
}

/// A message on its way through the signer.
pub struct Signing {
    signer: Signer,
    now: u64,
    header: Arc<Header>,
    pass: Pass<SignError>,
}

impl Signing {
    /// Takes the next piece of the message, as it will be sent: CRLF line
    /// ends, transfer-encoded, without the dots of SMTP. A bare CR or LF is
    /// signed as it is, and lost when a relay repairs it (RFC 6376 section
    /// 5.3).
    ///
    /// # Errors
    /// [`SignError`] when the message cannot be signed, now and ever after.
    pub fn write(&mut self, data: &[u8]) -> Result<(), SignError> {
        let (signer, kept) = (&self.signer, &mut self.header);
        self.pass.write(data, |header| signer.begin(header, kept))
    }

    /// Ends the message and gives the field to put on top of it:
    /// `DKIM-Signature: ...` with folding and a final CRLF.
    ///
    /// `random` is what ring's RSA operation asks for. With the padding of
    /// DKIM (PKCS#1 v1.5) it takes nothing from it, as Ed25519 does not: a
    /// signature depends on the message, the key and the time only.
    ///
    /// # Errors
    /// [`SignError`].
    pub fn finish(self, random: &dyn SecureRandom) -> Result<String, SignError> {
        let (signer, mut header) = (&self.signer, self.header);
        let bodies = self.pass.finish(|new| signer.begin(new, &mut header))?;
        signer.sign(&header, &bodies, self.now, random)
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing")
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}

/// Writes a field in lines of at most 78 characters where its words allow
/// (RFC 5322 section 2.1.1).
pub(crate) struct Folded {
    pub(crate) text: String,
    column: usize,
}

impl Folded {
    const WIDTH: usize = 76;

    pub(crate) fn new(text: &str) -> Self {
        Self {
            text: text.to_string(),
            column: text.len(),
        }
    }

    pub(crate) fn resume(text: String) -> Self {
        let column = text.rsplit('\n').next().map_or(0, str::len);
        Self { text, column }
    }

    /// Characters left on this line, or on a fresh one if this is full.
    fn room(&self) -> usize {
        if self.column < Self::WIDTH {
            Self::WIDTH - self.column
        } else {
            Self::WIDTH - 1
        }
    }

    /// Appends with a space or a fold before it.
    pub(crate) fn word(&mut self, word: &str) {
        if self.column + 1 + word.len() <= Self::WIDTH {
            self.text.push(' ');
            self.column += 1;
        } else {
            self.fold();
        }
        self.put(word);
    }

    /// Appends directly, or after a fold.
    pub(crate) fn part(&mut self, part: &str) {
        if self.column + part.len() > Self::WIDTH {
            self.fold();
        }
        self.put(part);
    }

    /// Appends `h=`.
    pub(crate) fn names(&mut self, names: &[&str]) {
        for (i, name) in names.iter().enumerate() {
            let end = if i + 1 == names.len() { ";" } else { ":" };
            if i == 0 {
                self.word(&alloc::format!("h={name}{end}"));
            } else {
                self.part(&alloc::format!("{name}{end}"));
            }
        }
    }

    /// Appends base64, folded anywhere.
    pub(crate) fn base64(&mut self, bytes: &[u8]) {
        let text = base64_encode(bytes);
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(self.room()));
            self.part(part);
            rest = after;
        }
    }

    fn fold(&mut self) {
        self.text.push_str("\r\n ");
        self.column = 1;
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.len();
    }
}

/// dkim-quoted-printable (RFC 6376 section 2.11).
fn qp_encode(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b';' | b'=' | b'|' => out.push_str(&alloc::format!("={byte:02X}")),
            0x21..=0x7e => out.push(byte.into()),
            _ => out.push_str(&alloc::format!("={byte:02X}")),
        }
    }
    out
}
