//! Public keys and the DNS records that publish them: RFC 6376 section 3.6.1,
//! RFC 8463 section 4.2.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use ring::digest::{SHA256, digest};

use crate::cryptography::{Cryptography, RsaKey};
use crate::der;
use crate::fold::qp_encode;
use crate::policy::Service;
use crate::signature::Algorithm;
use crate::tags::{self, Known, TagListError, base64_decode, base64_encode, colon_list, qp_decode};

/// Why a key record is of no use (RFC 6376 section 6.1.2).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRecordError {
    /// The text is no tag list.
    #[error("key record is no tag list: {0}")]
    Tags(#[from] TagListError),
    /// `v=` is not `DKIM1`, or is not the first tag.
    #[error(
        "key record is not of version DKIM1, or \"v=\" is not its first tag (RFC 6376 section 3.6.1)"
    )]
    Version,
    /// No `p=`.
    #[error("key record lacks \"p=\" (RFC 6376 section 3.6.1)")]
    Missing,
    /// `k=` is neither `rsa` nor `ed25519`.
    #[error("unknown key type \"{0}\" (RFC 6376 section 3.6.1)")]
    KeyType(String),
    /// A tag whose value does not follow its ABNF.
    #[error("value of tag \"{0}=\" in the key record is malformed (RFC 6376 section 3.6.1)")]
    Malformed(&'static str),
    /// `p=` is no key of the type that `k=` says.
    #[error("\"p=\" holds no {0} key (RFC 6376 section 3.6.1, RFC 8463 section 4.2)")]
    Key(KeyType),
}

/// The kinds of keys (`k=`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyType {
    /// RSA (RFC 6376).
    Rsa,
    /// Ed25519 (RFC 8463).
    Ed25519,
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        })
    }
}

/// A public key of any size; whether the size is acceptable is
/// [`Policy`](crate::Policy).
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Material);

#[derive(Clone, PartialEq, Eq)]
enum Material {
    Rsa(Rsa),
    Ed25519([u8; 32]),
}

/// Modulus and exponent, big-endian without leading zeros, in the DER that they came in.
#[derive(Clone)]
struct Rsa {
    der: Vec<u8>,
    modulus: Range<usize>,
    exponent: Range<usize>,
}

impl Rsa {
    fn key(&self) -> RsaKey<'_> {
        let number = |at: &Range<usize>| self.der.get(at.clone()).unwrap_or_default();
        RsaKey {
            n: number(&self.modulus),
            e: number(&self.exponent),
        }
    }
}

/// By the numbers.
impl PartialEq for Rsa {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Rsa {}

impl PublicKey {
    /// An Ed25519 key from its 32 octets (RFC 8032 section 5.1.5).
    #[must_use]
    pub fn ed25519(key: [u8; 32]) -> Self {
        Self(Material::Ed25519(key))
    }

    /// Reads DER: SubjectPublicKeyInfo of RSA or Ed25519 (RFC 5280, RFC 8410),
    /// or a bare RSAPublicKey (RFC 8017). `None` for anything else.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        Self::rsa_from_der(der.to_vec()).or_else(|| {
            let (oid, key) = subject_public_key(der)?;
            let key = (oid == der::OID_ED25519).then_some(key)?;
            Some(Self::ed25519(key.try_into().ok()?))
        })
    }

    /// Reads a PEM block `PUBLIC KEY` or `RSA PUBLIC KEY`, as
    /// `openssl pkey -pubout` writes it.
    #[must_use]
    pub fn from_pem(pem: &str) -> Option<Self> {
        match der::pem_decode(pem)? {
            ("PUBLIC KEY" | "RSA PUBLIC KEY", der) => Self::from_der(&der),
            _ => None,
        }
    }

    /// RFC 6376 says RSAPublicKey, its examples and everybody publish
    /// SubjectPublicKeyInfo: both are read.
    fn rsa_from_der(der: Vec<u8>) -> Option<Self> {
        let bare = match subject_public_key(&der) {
            Some((oid, key)) => (oid == der::OID_RSA).then_some(key)?,
            None => &der,
        };
        let mut fields = der::only(bare, der::SEQUENCE)?;
        let n = der::take_positive(&mut fields)?;
        // Everything ends where the exponent does.
        let modulus_end = der.len() - fields.len();
        let e = der::take_positive(&mut fields)?;
        let (modulus, exponent) = (
            modulus_end - n.len()..modulus_end,
            der.len() - e.len()..der.len(),
        );
        fields.is_empty().then_some(())?;
        Some(Self(Material::Rsa(Rsa {
            der,
            modulus,
            exponent,
        })))
    }

    /// What `p=` holds: SubjectPublicKeyInfo for RSA, the bare key for Ed25519.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match &self.0 {
            Material::Ed25519(key) => key.to_vec(),
            Material::Rsa(rsa) => {
                // The first octet of a BIT STRING counts unused bits.
                let mut key = alloc::vec![0];
                key.extend_from_slice(&rsa.key().to_der());
                let mut algorithm = Vec::new();
                der::put(&mut algorithm, der::OID, der::OID_RSA);
                der::put(&mut algorithm, 0x05, &[]);
                let mut info = Vec::new();
                der::put(&mut info, der::SEQUENCE, &algorithm);
                der::put(&mut info, der::BIT_STRING, &key);
                let mut out = Vec::new();
                der::put(&mut out, der::SEQUENCE, &info);
                out
            }
        }
    }

    /// RSA or Ed25519.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        match self.0 {
            Material::Rsa(_) => KeyType::Rsa,
            Material::Ed25519(_) => KeyType::Ed25519,
        }
    }

    /// Bits of the RSA modulus, or 256.
    #[must_use]
    pub fn bits(&self) -> usize {
        match &self.0 {
            Material::Rsa(rsa) => {
                let n = rsa.key().n;
                n.len() * 8 - n.first().map_or(0, |b| b.leading_zeros() as usize)
            }
            Material::Ed25519(_) => 256,
        }
    }

    /// Whether a key of this size signs here: RSA of 2048 to 4096 bits, Ed25519.
    pub(crate) fn may_sign(&self) -> bool {
        self.key_type() != KeyType::Rsa || (2048..=4096).contains(&self.bits())
    }

    /// What `a=` says of its signatures.
    pub(crate) fn signs(&self) -> Algorithm {
        match self.key_type() {
            KeyType::Rsa => Algorithm::RsaSha256,
            KeyType::Ed25519 => Algorithm::Ed25519Sha256,
        }
    }

    /// The octets of an Ed25519 key.
    pub(crate) fn as_ed25519(&self) -> Option<&[u8; 32]> {
        match &self.0 {
            Material::Rsa(_) => None,
            Material::Ed25519(key) => Some(key),
        }
    }

    /// Whether `signature` is that of `data`, which is not hashed yet.
    pub(crate) fn verify(
        &self,
        cryptography: &Cryptography,
        algorithm: Algorithm,
        data: &[u8],
        signature: &[u8],
    ) -> bool {
        match (&self.0, algorithm) {
            (Material::Rsa(rsa), Algorithm::RsaSha256) => {
                cryptography.rsa_sha256(rsa.key(), data, signature)
            }
            (Material::Ed25519(key), Algorithm::Ed25519Sha256) => {
                cryptography.ed25519(key, digest(&SHA256, data).as_ref(), signature)
            }
            _ => false,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {} bits)", self.key_type(), self.bits())
    }
}

/// The algorithm and key of a SubjectPublicKeyInfo.
fn subject_public_key(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut info = der::only(input, der::SEQUENCE)?;
    let mut algorithm = der::take(&mut info, der::SEQUENCE)?;
    let oid = der::take(&mut algorithm, der::OID)?;
    if !(algorithm.is_empty() || algorithm == [0x05, 0x00]) {
        return None;
    }
    let (&unused, key) = der::only(info, der::BIT_STRING)?.split_first()?;
    (unused == 0).then_some((oid, key))
}

/// A key record, as a TXT record publishes it under
/// `selector._domainkey.domain`.
///
/// ```
/// use scop_dkim::KeyRecord;
/// let text = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
/// let record = KeyRecord::parse(text.as_bytes())?;
/// assert_eq!(record.key().map(|key| key.bits()), Some(256));
/// assert_eq!(record.to_string(), text);
/// # Ok::<(), scop_dkim::KeyRecordError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    key_type: KeyType,
    /// None: revoked.
    key: Option<PublicKey>,
    /// None: any.
    hashes: Option<Vec<String>>,
    services: Option<Vec<String>>,
    flags: Vec<String>,
    note: Option<String>,
}

impl KeyRecord {
    /// A record that publishes `key`, for all services, without flags.
    #[must_use]
    pub fn new(key: PublicKey) -> Self {
        Self {
            key_type: key.key_type(),
            key: Some(key),
            hashes: None,
            services: None,
            flags: Vec::new(),
            note: None,
        }
    }

    /// A record that says that the key which stood there is revoked: `p=` without a value
    /// (RFC 6376 section 3.6.1). Signatures that were made with it fail from then on.
    ///
    /// ```
    /// use scop_dkim::{KeyRecord, KeyType};
    /// assert_eq!(KeyRecord::revoked(KeyType::Rsa).to_string(), "v=DKIM1; k=rsa; p=");
    /// ```
    #[must_use]
    pub fn revoked(key_type: KeyType) -> Self {
        Self {
            key_type,
            key: None,
            hashes: None,
            services: None,
            flags: Vec::new(),
            note: None,
        }
    }

    /// Sets `h=sha256`: no other hash, whatever is defined one day.
    #[must_use]
    pub fn only_sha256(mut self) -> Self {
        self.hashes = Some(alloc::vec!["sha256".to_owned()]);
        self
    }

    /// Sets `s=email`: for no other service than electronic mail.
    #[must_use]
    pub fn only_email(mut self) -> Self {
        self.services = Some(alloc::vec!["email".to_owned()]);
        self
    }

    /// Sets `s=tlsrpt`: for the mail with which reports of TLS are sent, and no other (RFC
    /// 8460 section 3).
    ///
    /// ```
    /// use scop_dkim::{KeyRecord, PublicKey, Service};
    /// let record = KeyRecord::new(PublicKey::ed25519([7; 32])).only_tls_reports();
    /// assert!(record.allows(Service::TlsReports) && !record.allows(Service::Email));
    /// ```
    #[must_use]
    pub fn only_tls_reports(mut self) -> Self {
        self.services = Some(alloc::vec!["tlsrpt".to_owned()]);
        self
    }

    /// Sets `n=`: a note for whoever administers the domain; programs take no notice of it.
    ///
    /// ```
    /// use scop_dkim::{KeyRecord, KeyType};
    /// let record = KeyRecord::revoked(KeyType::Rsa).with_note("rotated; ask Ann");
    /// assert_eq!(record.to_string(), "v=DKIM1; k=rsa; n=rotated=3B=20ask=20Ann; p=");
    /// assert_eq!(KeyRecord::parse(record.to_string().as_bytes())?.note(), Some("rotated; ask Ann"));
    /// # Ok::<(), scop_dkim::KeyRecordError>(())
    /// ```
    #[must_use]
    pub fn with_note(mut self, note: &str) -> Self {
        self.note = Some(note.to_owned());
        self
    }

    /// Sets the flag `t=y`: the domain is testing DKIM.
    #[must_use]
    pub fn testing_mode(mut self) -> Self {
        self.flags.push("y".to_owned());
        self
    }

    /// Sets the flag `t=s`: `i=` may not name a subdomain of `d=`.
    #[must_use]
    pub fn strict_identity(mut self) -> Self {
        self.flags.push("s".to_owned());
        self
    }

    /// Parses the text of one TXT record, its strings joined (RFC 6376 section
    /// 3.6.2.2).
    ///
    /// # Errors
    /// [`KeyRecordError`]. A revoked key (`p=` empty) is no error here, see
    /// [`key`](Self::key).
    pub fn parse(text: &[u8]) -> Result<Self, KeyRecordError> {
        use KeyRecordError as E;
        const KNOWN: Known<7> = Known::new(["v", "k", "h", "s", "t", "n", "p"]);
        let (mut values, mut is_first, mut begins_with_version) = ([None; 7], true, false);
        tags::read(text, &KNOWN, |place, tag| {
            if let Some(value) = place.and_then(|place| values.get_mut(place)) {
                *value = Some(tag.value);
            }
            begins_with_version |= is_first && place == Some(0);
            is_first = false;
        })?;
        let [version, key_type, hashes, services, flags, note, data] = values;
        if version.is_some_and(|version| version != b"DKIM1" || !begins_with_version) {
            return Err(E::Version);
        }
        let data = data.ok_or(E::Missing)?;
        let key_type = match key_type {
            None | Some(b"rsa") => KeyType::Rsa,
            Some(b"ed25519") => KeyType::Ed25519,
            Some(other) => {
                return Err(E::KeyType(
                    other.escape_ascii().take(64).map(char::from).collect(),
                ));
            }
        };
        let key = if data.is_empty() {
            None
        } else {
            let bytes = base64_decode(data).ok_or(E::Malformed("p"))?;
            let key = match key_type {
                KeyType::Rsa => PublicKey::rsa_from_der(bytes),
                KeyType::Ed25519 => bytes.try_into().ok().map(PublicKey::ed25519),
            };
            Some(key.ok_or(E::Key(key_type))?)
        };
        let list = |name: &'static str, value: Option<&[u8]>| match value {
            None => Ok(None),
            Some(value) => words(value).map(Some).ok_or(E::Malformed(name)),
        };
        Ok(Self {
            key_type,
            key,
            hashes: list("h", hashes)?,
            services: list("s", services)?,
            flags: list("t", flags)?.unwrap_or_default(),
            note: note.map(note_of),
        })
    }

    /// The key, or `None` when it was revoked.
    #[must_use]
    pub fn key(&self) -> Option<&PublicKey> {
        self.key.as_ref()
    }

    pub(crate) fn into_key(self) -> Option<PublicKey> {
        self.key
    }

    /// `k=`, which a revoked key has as well.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// Whether `h=` allows SHA-256, the only hash there is.
    #[must_use]
    pub fn allows_sha256(&self) -> bool {
        self.hashes
            .as_ref()
            .is_none_or(|list| list.iter().any(|hash| hash == "sha256"))
    }

    /// Whether `s=` allows the key for this service.
    #[must_use]
    pub fn allows(&self, service: Service) -> bool {
        self.services
            .as_ref()
            .is_none_or(|list| list.iter().any(|s| s == service.word() || s == "*"))
    }

    /// `n=`, the note for people, decoded. A third party's words; what is no UTF-8 in it
    /// is replaced.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Flag `t=y`: the domain is testing, and its messages must be treated like unsigned
    /// ones, whether signatures verify or not (RFC 6376 section 3.6.1).
    #[must_use]
    pub fn is_testing(&self) -> bool {
        self.flags.iter().any(|flag| flag == "y")
    }

    /// Flag `t=s`: the domain of `i=` must equal `d=`.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.flags.iter().any(|flag| flag == "s")
    }

    /// The record cut into TXT character-strings of at most 255 octets, quoted
    /// as a zone file wants them: `"v=DKIM1; ..." "..."`.
    #[must_use]
    pub fn zone_text(&self) -> String {
        let text = self.to_string();
        let mut out = String::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            // All ASCII: built from lists of words and base64.
            let (string, after) = rest.split_at(rest.len().min(255));
            if !out.is_empty() {
                out.push(' ');
            }
            out.push('"');
            out.push_str(string);
            out.push('"');
            rest = after;
        }
        out
    }
}

/// Writes the text of the TXT record.
impl fmt::Display for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=DKIM1;")?;
        if let Some(hashes) = &self.hashes {
            write!(f, " h={};", hashes.join(":"))?;
        }
        write!(f, " k={};", self.key_type)?;
        if let Some(note) = &self.note {
            // What a zone file would want escaped is encoded as well.
            let note = qp_encode(note.as_bytes())
                .replace('"', "=22")
                .replace('\\', "=5C");
            write!(f, " n={note};")?;
        }
        if let Some(services) = &self.services {
            write!(f, " s={};", services.join(":"))?;
        }
        if !self.flags.is_empty() {
            write!(f, " t={};", self.flags.join(":"))?;
        }
        let key = self
            .key
            .as_ref()
            .map(PublicKey::to_bytes)
            .unwrap_or_default();
        write!(f, " p={}", base64_encode(&key))
    }
}

/// What a note says; as it is where its quoted-printable is broken, for nothing depends on
/// it.
fn note_of(value: &[u8]) -> String {
    let decoded = qp_decode(value);
    String::from_utf8_lossy(decoded.as_deref().unwrap_or(value)).into_owned()
}

/// A colon-separated list of hyphenated-words or `*`.
fn words(value: &[u8]) -> Option<Vec<String>> {
    colon_list(value)
        .map(|word| {
            let good = word == b"*"
                || (!word.is_empty()
                    && word.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-'));
            let word = good.then_some(word)?;
            core::str::from_utf8(word).ok().map(ToOwned::to_owned)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    /// RFC 6376 appendix C.
    const RSA: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkM\
        oGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/R\
        tdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToI\
        MmPSPDdQPNUYckcQ2QIDAQAB";

    fn parse(text: &str) -> Result<KeyRecord, KeyRecordError> {
        KeyRecord::parse(text.as_bytes())
    }

    #[test]
    fn rsa_in_both_wrappings() {
        let record = parse(&alloc::format!("p={RSA}")).unwrap();
        let key = record.key().unwrap().clone();
        assert_eq!((key.key_type(), key.bits()), (KeyType::Rsa, 1024));
        let spki = base64_decode(RSA.as_bytes()).unwrap();
        assert_eq!(key.to_bytes(), spki);
        let (_, bare) = subject_public_key(&spki).unwrap();
        assert_eq!(PublicKey::from_der(bare), Some(key.clone()));
        let text = alloc::format!("{}", record);
        assert_eq!(parse(&text).unwrap(), record);
        // 8 + 7 + 3 + 216 octets fit one string; a 2048-bit key needs two.
        assert_eq!(record.zone_text(), alloc::format!("\"{text}\""));
    }

    #[test]
    fn tags() {
        let record = parse(&alloc::format!(
            "v=DKIM1; k=ed25519; h=sha1:sha256; s=email; t=y:s:x-y; n=hi; p={ED};"
        ))
        .unwrap();
        assert!(record.allows_sha256() && record.allows(Service::Email));
        assert_eq!(record.note(), Some("hi"));
        assert!(record.is_testing() && record.is_strict());
        assert_eq!(parse(&alloc::format!("{record}")).unwrap(), record);
        let record = parse(&alloc::format!("k=ed25519; h=sha1; s=tlsrpt; p={ED}")).unwrap();
        assert!(!record.allows_sha256() && !record.allows(Service::Email));
        assert!(record.allows(Service::TlsReports));
        assert!(!record.is_testing() && !record.is_strict());
        assert!(
            parse(&alloc::format!("k=ed25519; s=*; p={ED}"))
                .unwrap()
                .allows(Service::Email)
        );
        // A note is for people, and loses no key.
        for (text, note) in [
            ("n==E4; p=", "\u{fffd}"),
            ("n=a=2; p=", "a=2"),
            ("n=; p=", ""),
            ("n=caf=C3=A9 au\r\n lait; p=", "caf\u{e9}aulait"),
        ] {
            assert_eq!(parse(text).unwrap().note(), Some(note), "{text}");
        }
        assert_eq!(parse("v=DKIM1; p=").unwrap().key(), None);
        assert_eq!(parse("k=ed25519; p=\r\n ").unwrap().key(), None);
    }

    #[test]
    fn built_records() {
        let key = || PublicKey::ed25519([7; 32]);
        let record = KeyRecord::new(key())
            .only_sha256()
            .only_email()
            .testing_mode()
            .with_note("a;\"b\\ \u{e9}\r\n")
            .strict_identity();
        let text = record.to_string();
        let start =
            "v=DKIM1; h=sha256; k=ed25519; n=a=3B=22b=5C=20=C3=A9=0D=0A; s=email; t=y:s; p=";
        assert!(text.starts_with(start), "{text}");
        assert_eq!(KeyRecord::parse(text.as_bytes()), Ok(record));
        let revoked = KeyRecord::revoked(KeyType::Ed25519);
        assert_eq!(KeyRecord::parse(b"v=DKIM1; k=ed25519; p="), Ok(revoked));
    }

    #[test]
    fn refused_records() {
        use KeyRecordError as E;
        for (text, error) in [
            ("", E::Tags(TagListError::EmptyTag)),
            ("v=spf1 -all", E::Version),
            ("v=DKIM1.0; p=", E::Version),
            ("v=dkim1; p=", E::Version),
            ("p=; v=DKIM1", E::Version),
            ("v=DKIM1; k=rsa", E::Missing),
            ("v=DKIM1; P=", E::Missing),
            ("k=x25519; p=aGk=", E::KeyType("x25519".into())),
            ("p=!", E::Malformed("p")),
            ("p=aGk=", E::Key(KeyType::Rsa)),
            ("k=ed25519; p=aGk=", E::Key(KeyType::Ed25519)),
            ("p=; t=", E::Malformed("t")),
            ("p=; s=a b", E::Malformed("s")),
            ("p=; p=", E::Tags(TagListError::Duplicate("p".into()))),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{text}");
        }
        // An RSA key is no Ed25519 key, and the other way round.
        assert!(parse(&alloc::format!("k=ed25519; p={RSA}")).is_err());
        assert!(parse(&alloc::format!("k=rsa; p={ED}")).is_err());
    }
}
