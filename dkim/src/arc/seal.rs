//! The sealer's actions (RFC 8617 section 5.1).

use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use ring::rand::SecureRandom;

use super::set::{ChainStatus, Fields, MOST, Set, SetProblem};
use super::unsealed::Unsealed;
use crate::canon::{self, Canonicalization, HeaderCanon};
use crate::fields::names_for_arc;
use crate::fold::Folded;
use crate::header::Header;
use crate::limits::{LimitExceeded, Limits};
use crate::message::{BodyHash, BodyHasher, BodyKind, signed_data};
use crate::name::{Domain, Selector};
use crate::pass::Pass;
use crate::remote_key::{Key, RemoteKey};
use crate::request::Requests;
use crate::results::AuthenticationResults;
use crate::sign::{Signers, Unfinished};
use crate::signing::SignError;
use crate::signing_key::SigningKey;
use crate::tags::base64_encode;

/// Seals messages: adds a set of three fields to what a [`Validator`](super::Validator)
/// found. One value serves any number of messages.
///
/// ```
/// use scop_dkim::arc::{ChainStatus, Sealer};
/// use scop_dkim::{AuthenticationResults, Domain, Selector, SigningKey, SystemRandom};
///
/// let key = SigningKey::ed25519(&[7; 32])?;
/// let sealer = Sealer::new(Domain::new("lists.example.org")?, Selector::new("s1")?, key);
/// // What came of validating and authenticating the message as it arrived.
/// let (status, results) = (ChainStatus::None, AuthenticationResults::new("lists.example.org")?);
/// let mut sealing = sealer.start(1_700_000_000, status, &results);
/// sealing.write(b"From: ann@example.com\r\n\r\nHello\r\n")?; // as it leaves
/// let fields = sealing.finish(&SystemRandom::new())?; // go on top of it
/// assert!(fields.starts_with("ARC-Seal: i=1; a=ed25519-sha256; cv=none; d=lists.example.org;"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sealer<K = SigningKey> {
    domain: Domain,
    selector: Selector,
    key: K,
    signers: Option<Signers<K>>,
    limits: Limits,
}

/// A message that is being sealed.
pub struct Sealing<K = SigningKey> {
    sealer: Sealer<K>,
    now: u64,
    status: ChainStatus,
    results: AuthenticationResults,
    header: Arc<Header>,
    pass: Pass<SealError>,
}

/// Why a message is not sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The header is over a limit.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// The newest seal says that the chain failed: nothing is to be added (RFC 8617
    /// section 5.1).
    #[error("the chain failed before; it is not to be sealed again (RFC 8617 section 5.1)")]
    FailedBefore,
    /// The message has 50 sets.
    #[error("the message has 50 ARC sets, which is the most (RFC 8617 section 4.2.1)")]
    TooMany,
    /// It cannot be signed, with DKIM or for the set.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The status is not one that the fields of the message can have.
    #[error("status {0} does not fit the ARC fields of the message: validate it first")]
    WrongStatus(ChainStatus),
    /// The status is pass, and the fields are no chain.
    #[error("{0}")]
    Sets(#[from] SetProblem),
    /// The message begins with white space: its first line would belong to the set.
    #[error(
        "message begins with white space, which would go on with a field above it (RFC 5322 section 2.2.3)"
    )]
    BeginsFolded,
}

impl<K: Key> Sealer<K> {
    /// A sealer; the key is published as one of DKIM. With a [`RemoteKey`] a message ends in
    /// requests for signatures.
    #[must_use]
    pub fn new(domain: Domain, selector: Selector, key: K) -> Self {
        Sealer {
            domain,
            selector,
            key,
            signers: None,
            limits: Limits::default(),
        }
    }

    /// Signs with DKIM as well, in the same pass: the body is hashed once where signature
    /// and set agree on how, and the set covers the new signatures, which come out below it.
    ///
    /// ```
    /// use scop_dkim::arc::{ChainStatus, Sealer};
    /// # use scop_dkim::{AuthenticationResults, Domain, Selector, Signer, SigningKey, SystemRandom};
    /// # let key = || SigningKey::ed25519(&[7; 32]);
    /// let (domain, selector) = (Domain::new("lists.example.org")?, Selector::new("s1")?);
    /// let signer = Signer::new(domain.clone(), selector.clone(), key()?);
    /// let sealer = Sealer::new(domain, selector, key()?).signing(signer);
    /// # let results = AuthenticationResults::new("lists.example.org")?;
    /// let mut sealing = sealer.start(1_700_000_000, ChainStatus::None, &results);
    /// sealing.write(b"From: ann@example.com\r\n\r\nHello\r\n")?;
    /// let fields = sealing.finish(&SystemRandom::new())?;
    /// assert!(fields.starts_with("ARC-Seal: ") && fields.contains("\r\nDKIM-Signature: "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn signing(mut self, signers: impl Into<Signers<K>>) -> Self {
        self.signers = Some(signers.into());
        self
    }

    /// The same with other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Begins a message that arrived with this status, and with these results of
    /// authenticating it, the chain's own among them.
    #[must_use]
    pub fn start(
        &self,
        now: u64,
        status: ChainStatus,
        results: &AuthenticationResults,
    ) -> Sealing<K> {
        Sealing {
            pass: Pass::new(&self.limits),
            header: Arc::default(),
            sealer: self.clone(),
            now,
            status,
            results: results.clone(),
        }
    }
}

impl<K: Key> Sealing<K> {
    /// Takes the next piece of the message as it leaves, all changes made.
    ///
    /// # Errors
    /// [`SealError`] when it cannot be sealed, now and ever after.
    pub fn write(&mut self, data: &[u8]) -> Result<(), SealError> {
        let (sealer, kept) = (&self.sealer, &mut self.header);
        self.pass.write(data, |header, body| {
            *kept = header;
            sealer.begin(kept, body)
        })
    }

    /// Ends the message: the set that it gets, and the hashes of its body.
    fn end(mut self) -> Result<(NewSet<K>, Vec<BodyHash>), SealError> {
        let mut header = self.header;
        let bodies = self.pass.finish(|new, body| {
            header = new;
            self.sealer.begin(&header, body)
        })?;
        let body = BODY.find(&bodies).ok_or(SignError::Crypto)?;
        let arc = Fields::of(&header);
        if arc.newest_says_fail() {
            return Err(SealError::FailedBefore);
        }
        let found = arc.sets();
        let before = match (&found, self.status) {
            (Ok(sets), ChainStatus::None) if sets.is_empty() => 0,
            (Ok(sets), ChainStatus::Pass) if !sets.is_empty() => sets.len(),
            (Ok(sets), ChainStatus::Fail) if !sets.is_empty() => sets.len(),
            // Of what is no chain the highest instance is not known: one above all.
            (Err(_), ChainStatus::Fail) => arc.highest(),
            (Err(problem), ChainStatus::Pass) => return Err(problem.clone().into()),
            (_, status) => return Err(SealError::WrongStatus(status)),
        };
        let instance = before + 1;
        if instance > MOST {
            return Err(SealError::TooMany);
        }
        // A chain that failed is not vouched for (section 5.1.2).
        let sets = match self.status {
            ChainStatus::Pass => found.unwrap_or_default(),
            ChainStatus::None | ChainStatus::Fail => Vec::new(),
        };
        let set = NewSet {
            body: body.digest,
            results: Results(instance, &self.results).to_string(),
            sealer: self.sealer,
            now: self.now,
            status: self.status,
            header,
            instance,
            sets,
        };
        Ok((set, bodies))
    }
}

impl Sealing {
    /// Ends the message and gives the three fields to put on top of it: seal, message
    /// signature, results; folded, each with CRLF. Signatures of DKIM come behind them.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn finish(self, random: &dyn SecureRandom) -> Result<String, SealError> {
        let (set, bodies) = self.end()?;
        let signatures = match &set.sealer.signers {
            None => String::new(),
            Some(signers) => signers.sign(&set.header, &bodies, set.now, random)?,
        };
        let key = &set.sealer.key;
        let message = set.message(&signatures)?.sign(key, random)?;
        let seal = set.seal(&message).sign(key, random)?;
        Ok(set.fields(&seal, &message, &signatures))
    }
}

impl Sealing<RemoteKey> {
    /// Ends the message; its signatures have to come from elsewhere.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn finish(self) -> Result<Unsealed, SealError> {
        let (set, bodies) = self.end()?;
        let signers = set.sealer.signers.as_ref();
        let requests = signers.map(|signers| signers.requests(&set.header, &bodies, set.now));
        Ok(Unsealed::new(
            set,
            requests.transpose()?.unwrap_or_default(),
        ))
    }
}

/// A set that is being made: of its three signatures each is over the one before, those of
/// DKIM first.
pub(super) struct NewSet<K> {
    sealer: Sealer<K>,
    now: u64,
    status: ChainStatus,
    header: Arc<Header>,
    /// The hash of the body.
    body: [u8; 32],
    instance: usize,
    /// Those that its seal is over too.
    sets: Vec<Set>,
    /// The field of its results.
    results: String,
}

impl<K: Key> NewSet<K> {
    /// The message signature, which is over these signatures of DKIM as well.
    pub(super) fn message(&self, signatures: &str) -> Result<Unfinished, SealError> {
        // They are fields of the message from here on.
        let header = match signatures.is_empty() {
            true => Arc::clone(&self.header),
            false => Arc::new(self.header.below(signatures)?),
        };
        let names = names_for_arc(&header);
        let mut message = self
            .sealer
            .tags("ARC-Message-Signature:", self.instance, None, self.now);
        message.word("c=relaxed/relaxed;");
        message.names(&names);
        message.tag(&["bh=", &base64_encode(&self.body), ";"]);
        message.word("b=");
        let signed = names.iter().copied();
        let field = message.text;
        let data = signed_data(Canonicalization::Relaxed, &header, signed, field.as_bytes());
        Ok(Unfinished {
            data: data.into_bytes(),
            field,
            most: usize::MAX,
        })
    }

    /// The seal, which is over this message signature.
    pub(super) fn seal(&self, message: &str) -> Unfinished {
        let mut seal = self
            .sealer
            .tags("ARC-Seal:", self.instance, Some(self.status), self.now);
        seal.word("b=");
        let mut data = HeaderCanon::new(Canonicalization::Relaxed);
        for set in &self.sets {
            data.line(self.header.field_within(set.results));
            data.line(self.header.field_within(set.message));
            data.line(self.header.field_within(set.seal));
        }
        for field in [&self.results, message] {
            let field = field.trim_end_matches("\r\n");
            data.line(canon::Field::new(field.as_bytes()));
        }
        data.field(seal.text.as_bytes());
        Unfinished {
            data: data.into_bytes(),
            field: seal.text,
            most: usize::MAX,
        }
    }

    /// All fields.
    pub(super) fn fields(&self, seal: &str, message: &str, signatures: &str) -> String {
        [seal, message, &self.results, signatures].concat()
    }
}

impl NewSet<RemoteKey> {
    /// Asks for a signature of the sealer.
    pub(super) fn request(
        &self,
        field: &'static str,
        unfinished: Unfinished,
        requests: &mut Requests,
    ) {
        let Sealer {
            domain,
            selector,
            key,
            ..
        } = &self.sealer;
        requests.push(field, (domain, selector), key, unfinished);
    }
}

/// What is hashed of the body.
const BODY: BodyKind = BodyKind {
    canon: Canonicalization::Relaxed,
    length: None,
};

impl<K: Key> Sealer<K> {
    /// Whether a message may be sealed; adds the hashes that are needed.
    fn begin(&self, header: &Header, body: &mut BodyHasher) -> Result<(), SealError> {
        if header.begins_folded() {
            return Err(SealError::BeginsFolded);
        }
        // What the set cannot cover, or not for every reader, nobody vouches for.
        if !header.bare_ends().is_empty() {
            return Err(SignError::BareLineEnd.into());
        }
        let is_covered = |odd| header.named(b"from").any(|from| from == odd);
        if header.odd_froms().any(|odd| !is_covered(odd)) {
            return Err(SignError::FromMalformed.into());
        }
        body.add(BODY);
        if let Some(signers) = &self.signers {
            signers.begin(header, body)?;
        }
        Ok(())
    }

    /// The tags that both signatures have.
    fn tags(&self, name: &str, instance: usize, status: Option<ChainStatus>, now: u64) -> Folded {
        let mut out = Folded::new(name);
        out.number("i=", instance as u64);
        out.tag(&["a=", self.key.algorithm().name(), ";"]);
        if let Some(status) = status {
            out.word(&alloc::format!("cv={status};"));
        }
        out.tag(&["d=", self.domain.as_str(), ";"]);
        out.tag(&["s=", self.selector.as_str(), ";"]);
        out.number("t=", now);
        out
    }
}

/// The ARC-Authentication-Results field.
struct Results<'a>(usize, &'a AuthenticationResults);

impl fmt::Display for Results<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ARC-Authentication-Results: i={}; ", self.0)?;
        self.1.payload(f)
    }
}

impl<K: fmt::Debug> fmt::Debug for Sealing<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealing")
            .field("sealer", &self.sealer)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
