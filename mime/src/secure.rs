//! Signed and encrypted mail (RFC 1847; S/MIME, RFC 8551; PGP/MIME, RFC 3156; header
//! protection, RFC 9788): which bytes were signed, where the signature and the
//! ciphertext are. There is no cryptography here.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use crate::{Content, ContentType, Decoded, Header, Message, Part};

/// How a part is protected: what [`Part::security`] gives.
#[derive(Clone, Debug)]
pub enum Security<'m, 'a> {
    /// `multipart/signed`.
    Signed(Signed<'m, 'a>),
    /// `multipart/encrypted`.
    Encrypted(Encrypted<'m, 'a>),
    /// `application/pkcs7-mime`.
    Pkcs7(Pkcs7<'m, 'a>),
}

/// A part with a signature beside it (RFC 1847 2.1).
#[derive(Clone, Debug)]
pub struct Signed<'m, 'a> {
    /// The part that is signed, with its header.
    pub content: Part<'m, 'a>,
    /// The part with the signature.
    pub signature: Part<'m, 'a>,
    /// The parameter `protocol`, in lower case; where there is none the type of the
    /// signature's part: `application/pgp-signature`, `application/pkcs7-signature`.
    pub protocol: String,
    /// The parameter `micalg`, in lower case, at its commas: `sha-256`, `pgp-sha256`.
    pub micalg: Vec<String>,
    /// The multipart has other than two parts, or the signature is not of the type that
    /// `protocol` says: not valid (RFC 1847 2.1). What is behind the second part is not
    /// signed.
    pub is_malformed: bool,
}

impl<'a> Signed<'_, 'a> {
    /// The bytes that are signed, in the message: the first part with its header, up to
    /// but without the line end before the delimiter (RFC 1847 2.1, RFC 3156 5).
    #[must_use]
    pub fn signed_range(&self) -> Range<u64> {
        let end = self.content.body_offset() + self.content.body_length();
        self.content.offset()..end
    }

    /// These bytes as stored.
    #[must_use]
    pub fn signed_raw(&self) -> &'a [u8] {
        self.content.raw()
    }

    /// These bytes as they are hashed: every line ends in CRLF, however it is stored.
    /// Chunks borrow from the message.
    ///
    /// ```
    /// use scop_mime::{Message, Security};
    ///
    /// let message = Message::parse(b"Content-Type: multipart/signed; boundary=b;\n\
    ///     \tprotocol=\"application/pgp-signature\"; micalg=pgp-sha256\n\n\
    ///     --b\nContent-Type: text/plain\n\nsigned\n\n--b\nContent-Type: application/pgp-signature\n\n..\n--b--\n");
    /// let Some(Security::Signed(signed)) = message.root().security() else { panic!() };
    /// let hashed: Vec<u8> = signed.signed_chunks().flatten().copied().collect();
    /// assert_eq!(hashed, b"Content-Type: text/plain\r\n\r\nsigned\r\n");
    /// assert_eq!(signed.micalg, ["pgp-sha256"]);
    /// ```
    #[must_use]
    pub fn signed_chunks(&self) -> CrlfChunks<'a> {
        CrlfChunks::new(self.signed_raw())
    }

    /// The signature, without its transfer encoding: DER of S/MIME, armour of PGP/MIME.
    #[must_use]
    pub fn signature_bytes(&self) -> Decoded<'a> {
        self.signature.decode()
    }
}

/// A part that is encrypted (RFC 1847 2.2).
#[derive(Clone, Debug)]
pub struct Encrypted<'m, 'a> {
    /// What is needed to decrypt: for PGP/MIME `Version: 1` and nothing else (RFC 3156
    /// 4).
    pub control: Part<'m, 'a>,
    /// The part with the ciphertext.
    pub data: Part<'m, 'a>,
    /// The parameter `protocol`, in lower case; where there is none the type of the
    /// control part: `application/pgp-encrypted`.
    pub protocol: String,
    /// As for [`Signed::is_malformed`].
    pub is_malformed: bool,
}

impl<'a> Encrypted<'_, 'a> {
    /// The ciphertext, without its transfer encoding. Decrypted, it is a part with its
    /// header: give it to [`Message::parse`].
    #[must_use]
    pub fn ciphertext(&self) -> Decoded<'a> {
        self.data.decode()
    }
}

/// What an `application/pkcs7-mime` holds (RFC 8551 3.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SmimeType {
    /// Signed, the content within.
    SignedData,
    /// Encrypted.
    EnvelopedData,
    /// Encrypted and authenticated.
    AuthEnvelopedData,
    /// Compressed.
    CompressedData,
    /// Certificates and nothing else.
    CertsOnly,
    /// Something else, in lower case; empty where nothing was said.
    Other(String),
}

/// CMS as a whole (RFC 8551 3.3 to 3.8): opaque signed, encrypted, certificates.
#[derive(Clone, Debug)]
pub struct Pkcs7<'m, 'a> {
    /// The part.
    pub part: Part<'m, 'a>,
    /// What it holds: of `smime-type`, else of the extension of its name (RFC 8551
    /// 3.2.1: `.p7m`, `.p7c`, `.p7z`).
    pub smime_type: SmimeType,
}

impl<'a> Pkcs7<'_, 'a> {
    /// The CMS object, without its transfer encoding: DER. What is within is a part with
    /// its header: give it to [`Message::parse`].
    #[must_use]
    pub fn der(&self) -> Decoded<'a> {
        self.part.decode()
    }
}

/// How the fields of a message are repeated within what is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeaderProtection {
    /// `hp="clear"` (RFC 9788 2.1.1): signed, not encrypted.
    Clear,
    /// `hp="cipher"` (RFC 9788 2.1.1): encrypted; what was outside is in `HP-Outer`.
    Cipher,
    /// `protected-headers="v1"`, of the draft that came before.
    V1,
    /// A `message/rfc822` around the message (RFC 8551 3.1): its header counts.
    Wrapped,
}

/// The fields that are protected with a part: what [`Part::protected_header`] gives.
#[derive(Clone, Debug)]
pub struct ProtectedHeader<'m, 'a> {
    /// By which rule.
    pub protection: HeaderProtection,
    /// The header with them: fields of the message beside `Content-*` and `HP-Outer`.
    pub header: Header<'m, 'a>,
}

impl ProtectedHeader<'_, '_> {
    /// The protected fields: names as stored and values on one line. The structural
    /// `Content-*`, `MIME-Version` and `HP-Outer` are not among them (RFC 9788 1.9).
    pub fn fields(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.header.fields().filter_map(|field| {
            let name = field.name();
            let structural = name
                .get(..8)
                .is_some_and(|n| n.eq_ignore_ascii_case("content-"))
                || name.eq_ignore_ascii_case("mime-version")
                || name.eq_ignore_ascii_case("hp-outer")
                || name.is_empty();
            (!structural).then(|| (name.to_string(), field.raw_text().to_string()))
        })
    }

    /// The fields that the sender put outside of an encrypted message: of `HP-Outer`
    /// (RFC 9788 2.2), names and values. A field that is protected and not among these
    /// was confidential.
    pub fn outer(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.header.all("hp-outer").filter_map(|field| {
            let text = field.raw_text();
            let (name, value) = text.split_once(':')?;
            Some((
                name.trim_ascii().to_string(),
                value.trim_ascii().to_string(),
            ))
        })
    }
}

fn parameter(content_type: &ContentType, name: &str) -> String {
    let value = content_type.parameter(name).unwrap_or_default();
    value.trim_ascii().to_ascii_lowercase()
}

impl<'m, 'a> Part<'m, 'a> {
    /// How the part is protected, by its type; `None` for any other. Only what is within
    /// is protected: a part of a larger message may be signed by somebody else.
    #[must_use]
    pub fn security(&self) -> Option<Security<'m, 'a>> {
        let content_type = self.content_type();
        match content_type.essence() {
            "multipart/signed" => {
                let (content, signature, others) = self.pair()?;
                let own = signature.content_type().essence().to_string();
                let said = parameter(&content_type, "protocol");
                let micalg = parameter(&content_type, "micalg");
                let micalg = micalg.split(',').map(str::trim).filter(|m| !m.is_empty());
                Some(Security::Signed(Signed {
                    is_malformed: others || !is_same_protocol(&said, &own),
                    protocol: if said.is_empty() { own } else { said },
                    micalg: micalg.map(String::from).collect(),
                    content,
                    signature,
                }))
            }
            "multipart/encrypted" => {
                let (control, data, others) = self.pair()?;
                let own = control.content_type().essence().to_string();
                let said = parameter(&content_type, "protocol");
                Some(Security::Encrypted(Encrypted {
                    is_malformed: others || said != own,
                    protocol: if said.is_empty() { own } else { said },
                    control,
                    data,
                }))
            }
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => {
                let said = parameter(&content_type, "smime-type");
                let name = self.filename().unwrap_or_default().to_ascii_lowercase();
                let smime_type = match said.as_str() {
                    "signed-data" => SmimeType::SignedData,
                    "enveloped-data" => SmimeType::EnvelopedData,
                    "authenveloped-data" => SmimeType::AuthEnvelopedData,
                    "compressed-data" => SmimeType::CompressedData,
                    "certs-only" => SmimeType::CertsOnly,
                    "" if name.ends_with(".p7c") => SmimeType::CertsOnly,
                    "" if name.ends_with(".p7z") => SmimeType::CompressedData,
                    _ => SmimeType::Other(said),
                };
                Some(Security::Pkcs7(Pkcs7 {
                    part: *self,
                    smime_type,
                }))
            }
            _ => None,
        }
    }

    /// The first two parts, and whether there are more.
    fn pair(&self) -> Option<(Part<'m, 'a>, Part<'m, 'a>, bool)> {
        let mut children = self.children();
        let (first, second) = (children.next()?, children.next()?);
        Some((first, second, children.next().is_some()))
    }

    /// The fields that are protected with this part, which is the content of a signature
    /// or what came out of a decryption: the part says so itself (RFC 9788 2.1.1). What
    /// was not verified or decrypted says nothing by it.
    ///
    /// ```
    /// use scop_mime::{HeaderProtection, Message};
    ///
    /// let decrypted = Message::parse(b"Subject: secret\r\nHP-Outer: Subject: [...]\r\n\
    ///     Content-Type: text/plain; hp=\"cipher\"\r\n\r\nHi!\r\n");
    /// let protected = decrypted.root().protected_header().unwrap();
    /// assert_eq!(protected.protection, HeaderProtection::Cipher);
    /// assert_eq!(protected.fields().collect::<Vec<_>>(), [("Subject".into(), "secret".into())]);
    /// assert_eq!(protected.outer().collect::<Vec<_>>(), [("Subject".into(), "[...]".into())]);
    /// ```
    #[must_use]
    pub fn protected_header(&self) -> Option<ProtectedHeader<'m, 'a>> {
        let content_type = self.content_type();
        let hp = parameter(&content_type, "hp");
        let header = self.header();
        let protection = match hp.as_str() {
            "clear" => HeaderProtection::Clear,
            "cipher" => HeaderProtection::Cipher,
            _ if parameter(&content_type, "protected-headers") == "v1" => HeaderProtection::V1,
            _ => {
                // `forwarded=no` tells it from a message that is forwarded.
                let inner = self.children().next();
                let inner = inner.filter(|_| self.content() == Content::Message)?;
                if parameter(&content_type, "forwarded") != "no" {
                    return None;
                }
                return Some(ProtectedHeader {
                    protection: HeaderProtection::Wrapped,
                    header: inner.header(),
                });
            }
        };
        Some(ProtectedHeader { protection, header })
    }

    /// The text begins with a copy of protected fields for readers that know none, to be
    /// left out: `hp-legacy-display="1"` (RFC 9788 2.1.2).
    #[must_use]
    pub fn has_legacy_display(&self) -> bool {
        parameter(&self.content_type(), "hp-legacy-display") == "1"
    }
}

impl<'a> Message<'a> {
    /// How the message as a whole is protected.
    #[must_use]
    pub fn security(&self) -> Option<Security<'_, 'a>> {
        self.root().security()
    }
}

fn is_same_protocol(said: &str, own: &str) -> bool {
    // The names with `x-` are the same.
    let plain = |t: &str| t.replace("/x-pkcs7-", "/pkcs7-");
    said.is_empty() || plain(said) == plain(own)
}

/// Text as stored, with CRLF at the end of every line: what [`Signed::signed_chunks`]
/// gives. Chunks borrow; a bare LF costs one more chunk.
#[derive(Clone, Debug)]
pub struct CrlfChunks<'a> {
    rest: &'a [u8],
    /// A line end is due.
    line_end: bool,
}

impl<'a> CrlfChunks<'a> {
    /// The chunks of that text.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        CrlfChunks {
            rest: text,
            line_end: false,
        }
    }
}

impl<'a> Iterator for CrlfChunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if core::mem::take(&mut self.line_end) {
            return Some(b"\r\n");
        }
        if self.rest.is_empty() {
            return None;
        }
        let bare = memchr::memchr_iter(b'\n', self.rest).find(|lf| {
            let before = lf.checked_sub(1).and_then(|i| self.rest.get(i));
            before != Some(&b'\r')
        });
        let Some(lf) = bare else {
            return Some(core::mem::take(&mut self.rest));
        };
        let (line, behind) = self.rest.split_at(lf);
        self.rest = behind.get(1..).unwrap_or_default();
        match line.is_empty() {
            true => Some(b"\r\n"),
            false => {
                self.line_end = true;
                Some(line)
            }
        }
    }
}

/// What a block of OpenPGP armour holds (RFC 9580 6.2, 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArmourKind {
    /// `PGP MESSAGE`: encrypted or signed, or `PGP MESSAGE, PART X/Y` of old.
    Message,
    /// `PGP SIGNED MESSAGE`: text that can be read, with its signature.
    SignedMessage,
    /// `PGP SIGNATURE`.
    Signature,
    /// `PGP PUBLIC KEY BLOCK`.
    PublicKey,
    /// `PGP PRIVATE KEY BLOCK`, or `PGP SECRET KEY BLOCK`.
    PrivateKey,
}

/// A block of OpenPGP armour in a text: what [`armours`] gives. Ranges are bytes of that
/// text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Armour {
    /// What it holds.
    pub kind: ArmourKind,
    /// The block, from its first line to the end of its last.
    pub range: Range<usize>,
    /// The text of a signed message, behind the empty line, without the line end before
    /// the signature, lines escaped with `- ` as they are (RFC 9580 7.1); of another
    /// block its headers and data.
    pub content: Range<usize>,
    /// The signature of a signed message, a block as well.
    pub signature: Option<Range<usize>>,
    /// Its last line did not come: it goes to the next block, or to the end of the text.
    pub is_unfinished: bool,
}

/// The blocks of OpenPGP armour in a text, as readers of inline PGP look for them: lines
/// that begin with `-----BEGIN PGP`. Cost: linear.
///
/// ```
/// use scop_mime::{ArmourKind, armours};
///
/// let text = b"Hi\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nsigned\n\
///     -----BEGIN PGP SIGNATURE-----\n\n=abcd\n-----END PGP SIGNATURE-----\nBye\n";
/// let armour = armours(text).next().unwrap();
/// assert_eq!(armour.kind, ArmourKind::SignedMessage);
/// assert_eq!(&text[armour.content], b"signed");
/// assert!(text[armour.signature.unwrap()].starts_with(b"-----BEGIN PGP SIGNATURE"));
/// ```
pub fn armours(text: &[u8]) -> impl Iterator<Item = Armour> {
    let mut marks = Marks { text, at: 0 }.peekable();
    let line_end = move |at: usize| {
        let rest = text.get(at..).unwrap_or_default();
        memchr::memchr(b'\n', rest).map_or(text.len(), |n| at + n + 1)
    };
    core::iter::from_fn(move || {
        loop {
            let begin = marks.next()?;
            if !begin.begins {
                continue; // the end of nothing
            }
            let body = line_end(begin.at);
            if begin.kind == ArmourKind::SignedMessage {
                let content = behind_blank(text, body);
                let signature = marks.next_if(|m| m.begins && m.kind == ArmourKind::Signature);
                let Some(signature) = signature else {
                    let end = marks.peek().map_or(text.len(), |m| m.at);
                    return Some(Armour {
                        kind: begin.kind,
                        range: begin.at..end,
                        content: content.min(end)..end,
                        signature: None,
                        is_unfinished: true,
                    });
                };
                let last = marks.next_if(|m| !m.begins && m.kind == ArmourKind::Signature);
                let end = match &last {
                    Some(last) => line_end(last.at),
                    None => marks.peek().map_or(text.len(), |m| m.at),
                };
                let content = content.min(signature.at);
                return Some(Armour {
                    kind: begin.kind,
                    range: begin.at..end,
                    content: content..without_line_end(text, content, signature.at),
                    signature: Some(signature.at..end),
                    is_unfinished: last.is_none(),
                });
            }
            let last = marks.next_if(|m| !m.begins && m.kind == begin.kind);
            let next = marks.peek().map_or(text.len(), |m| m.at);
            let (content_end, end) = match &last {
                Some(last) => (last.at, line_end(last.at)),
                None => (next, next),
            };
            return Some(Armour {
                kind: begin.kind,
                range: begin.at..end,
                content: body.min(content_end)..content_end,
                signature: None,
                is_unfinished: last.is_none(),
            });
        }
    })
}

/// The armour lines of a text.
struct Marks<'t> {
    text: &'t [u8],
    at: usize,
}

struct Mark {
    at: usize,
    begins: bool,
    kind: ArmourKind,
}

impl Iterator for Marks<'_> {
    type Item = Mark;

    fn next(&mut self) -> Option<Mark> {
        loop {
            let rest = self.text.get(self.at..)?;
            let found = self.at + memchr::memmem::find(rest, b"-----")?;
            let before = found.checked_sub(1).and_then(|i| self.text.get(i));
            let line = self.text.get(found..)?;
            let line = line.get(..memchr::memchr(b'\n', line).unwrap_or(line.len()))?;
            let begins = line.starts_with(b"-----BEGIN PGP ");
            if !matches!(before, None | Some(b'\n')) {
                self.at = found + 5;
                continue;
            }
            self.at = found + line.len();
            if !begins && !line.starts_with(b"-----END PGP ") {
                continue;
            }
            let what = line.get(if begins { 15 } else { 13 }..).unwrap_or_default();
            let kinds: [(&[u8], ArmourKind); 6] = [
                (b"MESSAGE", ArmourKind::Message),
                (b"SIGNED MESSAGE", ArmourKind::SignedMessage),
                (b"SIGNATURE", ArmourKind::Signature),
                (b"PUBLIC KEY BLOCK", ArmourKind::PublicKey),
                (b"PRIVATE KEY BLOCK", ArmourKind::PrivateKey),
                (b"SECRET KEY BLOCK", ArmourKind::PrivateKey),
            ];
            let kind = kinds.iter().find(|(name, _)| {
                what.strip_prefix(*name)
                    .is_some_and(|rest| rest.starts_with(b"-----") || rest.starts_with(b","))
            });
            if let Some((_, kind)) = kind {
                return Some(Mark {
                    at: found,
                    begins,
                    kind: *kind,
                });
            }
        }
    }
}

/// Behind the empty line that ends the armour's headers (RFC 9580 7.1: `Hash` and no
/// other); at `start` where no header is.
fn behind_blank(text: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(rest) = text.get(at..).filter(|r| !r.is_empty()) {
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |n| n + 1);
        let line = rest.get(..length).unwrap_or(rest).trim_ascii();
        at += length;
        if line.is_empty() {
            return at;
        }
        if !line.contains(&b':') {
            return start;
        }
    }
    start
}

fn without_line_end(text: &[u8], start: usize, end: usize) -> usize {
    let content = text.get(start..end).unwrap_or_default();
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    start + content.len()
}
