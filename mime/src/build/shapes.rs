//! Parts of a fixed shape: invitations, reports, signed and encrypted mail.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;

use super::content::Options;
use super::field::check_token;
use super::part::Part;
use super::write::entity;
use super::{BuildError, Field};

/// What of the message a report gives back (RFC 6522 3).
#[derive(Clone, Debug)]
pub enum Returned {
    /// Nothing.
    Nothing,
    /// All of it.
    Message(Vec<u8>),
    /// Its header.
    Header(Vec<u8>),
}

/// A part that will be signed, as it will be sent. Nothing in it has bytes over 127,
/// white space at the end of a line or `From ` at the start of one, which a relay may
/// touch (RFC 3156 3 and 5, RFC 8551 3.1.1).
///
/// ```
/// use scop_mime::build::{Part, Signature};
/// # fn sign(bytes: &[u8]) -> String { "-----BEGIN PGP SIGNATURE-----\n".into() }
///
/// let content = Part::text("Grüße \n").seal()?;
/// let signature = sign(content.bytes()); // the caller's, who has the key
/// let part = Part::signed(content, Signature::pgp("pgp-sha256", signature)?)?;
/// # Ok::<(), scop_mime::build::BuildError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(Bytes);

impl Sealed {
    /// What is to be signed: the part with its header, with CRLF line ends.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A signature over a [`Sealed`] part.
#[derive(Clone, Debug)]
pub struct Signature {
    protocol: String,
    micalg: String,
    part: Part,
}

impl Signature {
    /// An OpenPGP signature in its armour, and its hash: `pgp-sha256` (RFC 3156 5).
    ///
    /// # Errors
    ///
    /// [`BuildError::Token`] for what is no name of a hash.
    pub fn pgp(micalg: &str, armoured: impl Into<String>) -> Result<Self, BuildError> {
        let part =
            Part::plain("application/pgp-signature", armoured.into()).file_name("signature.asc")?;
        Self::other("application/pgp-signature", micalg, part)
    }

    /// An S/MIME signature (CMS, in DER), and its hash: `sha-256` (RFC 8551 3.5.3).
    ///
    /// # Errors
    ///
    /// [`BuildError::Token`] for what is no name of a hash.
    pub fn smime(micalg: &str, der: impl Into<Bytes>) -> Result<Self, BuildError> {
        const PROTOCOL: &str = "application/pkcs7-signature";
        let part = Part::attachment("smime.p7s", PROTOCOL, der)?;
        Self::other(PROTOCOL, micalg, part)
    }

    /// A signature of another protocol (RFC 1847 2.1): the part that holds it must be
    /// of the type that the protocol names.
    ///
    /// # Errors
    ///
    /// [`BuildError::Token`] for what is no name of a hash.
    pub fn other(protocol: &str, micalg: &str, part: Part) -> Result<Self, BuildError> {
        check_token("the name of a hash", micalg)?;
        if !part.is_of(protocol) {
            return Err(BuildError::ContentType(
                "the signature's must be the protocol",
            ));
        }
        Ok(Signature {
            protocol: protocol.into(),
            micalg: micalg.into(),
            part,
        })
    }
}

impl Part {
    /// Writes the part as it will be sent, to be signed.
    ///
    /// # Errors
    ///
    /// [`BuildError::EightBit`] if a message within has bytes over 127, which no
    /// encoding may hide.
    pub fn seal(self) -> Result<Sealed, BuildError> {
        let options = Options {
            sealed: true,
            ..Options::default()
        };
        let (written, eight_bit) = entity(self, options);
        if eight_bit {
            return Err(BuildError::EightBit);
        }
        Ok(Sealed(written.into_vec().into()))
    }
}

impl<S> Part<S> {
    /// A report (RFC 6522): a text for people, a part for machines, and what of the
    /// message is given back. The report's type is the machine's part's:
    /// `delivery-status`, `disposition-notification`, `feedback-report`.
    ///
    /// ```
    /// use scop_mime::build::{Builder, Field, Mailbox, Part, Returned};
    /// # use scop_mime::DateTime;
    /// # let now = DateTime::from_unix(0, 0).unwrap();
    ///
    /// let groups = [
    ///     vec![Field::text("Reporting-MTA", "dns; mx.a.test")?],
    ///     vec![
    ///         Field::text("Final-Recipient", "rfc822; bob@b.test")?,
    ///         Field::text("Action", "failed")?,
    ///         Field::text("Status", "5.1.1")?,
    ///     ],
    /// ];
    /// let machine = Part::field_groups("delivery-status", groups)?;
    /// let original = b"Subject: hi\r\n\r\nHi!\r\n".to_vec();
    /// let human = Part::text("Bob is not there.\n");
    /// let built = Builder::new(Mailbox::new("postmaster@a.test")?, now)
    ///     .body(Part::report(human, machine, Returned::Header(original))?)
    ///     .build();
    /// # Ok::<(), scop_mime::build::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError::ContentType`] if `machine` is not made by
    /// [`machine`](Part::machine) or [`field_groups`](Part::field_groups), nor
    /// `application/tlsrpt+json` or `+gzip` (RFC 8460 5.3);
    /// [`BuildError::Line`] as for [`message_bytes`](Part::message_bytes).
    pub fn report(human: Self, machine: Part, returned: Returned) -> Result<Self, BuildError> {
        let Some(kind) = machine.report_type() else {
            return Err(BuildError::ContentType(
                "the machine's part is a message/* or application/tlsrpt+*",
            ));
        };
        let kind = String::from(kind);
        let mut parts = alloc::vec![human, machine.lift()];
        match returned {
            Returned::Nothing => {}
            Returned::Message(bytes) => parts.push(Part::message_bytes(bytes)?.lift()),
            Returned::Header(bytes) => parts.push(Part::message_header(&bytes).lift()),
        }
        let part = Self::parts("multipart/report", parts)?;
        Ok(part.with_parameter("report-type", kind))
    }
}

impl Part {
    /// A signed part (RFC 1847 2.1): `multipart/signed`.
    ///
    /// # Errors
    ///
    /// None but [`BuildError::TooDeep`], which cannot be here.
    pub fn signed(content: Sealed, signature: Signature) -> Result<Self, BuildError> {
        let parts = [Self::of_entity(content.0), signature.part];
        let part = Self::parts("multipart/signed", parts)?;
        Ok(part
            .with_parameter("protocol", signature.protocol)
            .with_parameter("micalg", signature.micalg))
    }

    /// What OpenPGP encrypted, in its armour (RFC 3156 4): `multipart/encrypted`. What
    /// was encrypted is a part with its header: [`Sealed::bytes`].
    ///
    /// # Errors
    ///
    /// None but [`BuildError::TooDeep`], which cannot be here.
    pub fn encrypted_pgp(armoured: impl Into<String>) -> Result<Self, BuildError> {
        const PROTOCOL: &str = "application/pgp-encrypted";
        let control = Self::plain(PROTOCOL, "Version: 1\r\n".into());
        let data = Self::plain("application/octet-stream", armoured.into())
            .inlined()
            .file_name("encrypted.asc")?;
        let part = Self::parts("multipart/encrypted", [control, data])?;
        Ok(part.with_parameter("protocol", PROTOCOL))
    }

    /// What S/MIME encrypted or signed as a whole (CMS, in DER; RFC 8551 3.2), and how:
    /// `enveloped-data`, `signed-data`, `authEnveloped-data`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Token`] for what is no token.
    pub fn smime(smime_type: &str, der: impl Into<Bytes>) -> Result<Self, BuildError> {
        check_token("the type of S/MIME", smime_type)?;
        let part = Self::attachment("smime.p7m", "application/pkcs7-mime", der)?;
        Ok(part
            .with_parameter("smime-type", String::from(smime_type))
            .with_parameter("name", "smime.p7m"))
    }

    /// A calendar's object and its method, `REQUEST` (RFC 6047 2.4): the object must
    /// name the same.
    ///
    /// # Errors
    ///
    /// [`BuildError::Token`] for what is no token.
    pub fn calendar(method: &str, text: impl Into<String>) -> Result<Self, BuildError> {
        check_token("the method of a calendar", method)?;
        Self::text_as("calendar", text)?.parameter("method", method)
    }

    /// Groups of fields with an empty line between them, as `message/SUBTYPE` (RFC 3464
    /// 2.1, RFC 8098 3.1, RFC 5965 3.1).
    ///
    /// # Errors
    ///
    /// [`BuildError::Empty`] without a group, and for a group without a field;
    /// [`BuildError::ContentType`] as for [`machine`](Part::machine).
    pub fn field_groups<G: AsRef<[Field]>>(
        subtype: &str,
        groups: impl IntoIterator<Item = G>,
    ) -> Result<Self, BuildError> {
        let mut out = Vec::new();
        for group in groups {
            if !out.is_empty() {
                out.extend_from_slice(b"\r\n");
            }
            if group.as_ref().is_empty() {
                return Err(BuildError::Empty("a group of fields"));
            }
            let utf8 = subtype
                .get(..7)
                .is_some_and(|s| s.eq_ignore_ascii_case("global-"));
            for field in group.as_ref() {
                field.write(&mut out, utf8);
            }
        }
        match out.is_empty() {
            true => Err(BuildError::Empty("a report")),
            false => Self::machine(subtype, out),
        }
    }
}
