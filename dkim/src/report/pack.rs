//! Reports as attachments: compressed, named, and announced in a Subject (RFC 9990
//! section 4.2).

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use flate2::write::GzEncoder;

use super::Limits;
use crate::name::Domain;

/// An attachment that cannot be unpacked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// What is in it is over [`Limits::bytes`]. Nothing beyond was unpacked.
    #[error("the report unpacks to more than {0} bytes")]
    TooLarge(usize),
    /// The compressed data are damaged.
    #[error("damaged {format} data: {problem}")]
    Damaged {
        /// `gzip` or `zip`.
        format: &'static str,
        /// What the decoder says.
        problem: String,
    },
    /// A zip archive that is encrypted, or of another method than deflate.
    #[error("a zip archive that is encrypted or of an unknown method")]
    Unsupported,
}

/// The XML in an attachment: gzip (RFC 9990), zip, of which the first file counts (some
/// receivers send it), or XML as it is. Memory: what it unpacks to, at most
/// [`Limits::bytes`], whatever the attachment announces.
///
/// # Errors
/// [`UnpackError`].
pub fn unpack<'a>(attachment: &'a [u8], limits: &Limits) -> Result<Cow<'a, [u8]>, UnpackError> {
    match attachment {
        [0x1f, 0x8b, ..] => {
            let most = limits.bytes;
            inflate("gzip", MultiGzDecoder::new(attachment), most).map(Cow::Owned)
        }
        [b'P', b'K', 3, 4, ..] => unzip(attachment, limits.bytes),
        _ if attachment.len() > limits.bytes => Err(UnpackError::TooLarge(limits.bytes)),
        _ => Ok(Cow::Borrowed(attachment)),
    }
}

fn inflate(
    format: &'static str,
    decoder: impl std::io::Read,
    most: usize,
) -> Result<Vec<u8>, UnpackError> {
    let mut out = Vec::new();
    let mut bounded = decoder.take(most as u64 + 1);
    bounded
        .read_to_end(&mut out)
        .map_err(|error| UnpackError::Damaged {
            format,
            problem: alloc::format!("{error}"),
        })?;
    match out.len() > most {
        true => Err(UnpackError::TooLarge(most)),
        false => Ok(out),
    }
}

/// The first file of an archive, by its local header alone (APPNOTE.TXT 4.3.7).
fn unzip(archive: &[u8], most: usize) -> Result<Cow<'_, [u8]>, UnpackError> {
    let damaged = || UnpackError::Damaged {
        format: "zip",
        problem: String::from("the archive ends within its first file"),
    };
    let word = |at: usize| match archive.get(at..at + 2) {
        Some(&[low, high]) => Ok(usize::from(u16::from_le_bytes([low, high]))),
        _ => Err(damaged()),
    };
    let (flags, method) = (word(6)?, word(8)?);
    let size = word(18)? | word(20)? << 16;
    let start = 30 + word(26)? + word(28)?;
    let data = archive.get(start..).ok_or_else(damaged)?;
    match method {
        _ if flags & 1 != 0 => Err(UnpackError::Unsupported),
        // Stored, with its size in front.
        0 if flags & 8 == 0 => match data.get(..size) {
            Some(data) if data.len() > most => Err(UnpackError::TooLarge(most)),
            Some(data) => Ok(Cow::Borrowed(data)),
            None => Err(damaged()),
        },
        8 => inflate("zip", DeflateDecoder::new(data), most).map(Cow::Owned),
        _ => Err(UnpackError::Unsupported),
    }
}

/// Compresses a report with gzip, for `application/gzip`. The same text gives the same
/// bytes: there is no time in it.
#[must_use]
pub fn pack(xml: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to a vector does not fail.
    let _ = encoder.write_all(xml.as_bytes());
    encoder.finish().unwrap_or_default()
}

/// The name of the attachment: `receiver!domain!begin!end.xml.gz`.
#[must_use]
pub fn file_name(receiver: &Domain, policy_domain: &Domain, begin: u64, end: u64) -> String {
    alloc::format!("{receiver}!{policy_domain}!{begin}!{end}.xml.gz")
}

/// The Subject of the message that carries a report.
#[must_use]
pub fn subject(policy_domain: &Domain, submitter: &Domain, report_id: &str) -> String {
    alloc::format!("Report Domain: {policy_domain} Submitter: {submitter} Report-ID: <{report_id}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bomb: no more is taken out of it than one octet over the limit.
    #[test]
    fn what_never_ends_is_not_read_to_its_end() {
        struct Endless(usize);
        impl std::io::Read for Endless {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                self.0 += buffer.len();
                assert!(self.0 < 100_000, "read on");
                buffer.fill(0);
                Ok(buffer.len())
            }
        }
        let found = inflate("gzip", Endless(0), 1000);
        assert!(matches!(found, Err(UnpackError::TooLarge(1000))));
    }
}
