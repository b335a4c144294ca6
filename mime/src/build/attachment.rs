//! Attachments.

use alloc::string::String;

use bytes::Bytes;

use super::fold::{Folder, hex};
use super::{BuildError, check};
use crate::value::address::quote;

/// A file to attach. It leaves in base64.
#[derive(Clone, Debug)]
pub struct Attachment {
    name: String,
    content_type: String,
    pub(super) data: Bytes,
}

/// The longest file name, in bytes: in 54 sections at most.
const FILE_NAME: usize = 1 << 10;
/// A parameter on one line; a longer one is cut (RFC 2231 3).
const PARAMETER: usize = 60;

impl Attachment {
    /// A file of that name and type. `data` is shared, not copied.
    ///
    /// The type is without parameters: `application/pdf`; where nothing better is
    /// known, `application/octet-stream`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Control`] and [`BuildError::TooLong`] (1 KiB) for the name; [`BuildError::ContentType`] for a type
    /// that is none, and for `multipart/*` and `message/*`, which may not be in base64
    /// (RFC 2045 6.4).
    pub fn new(name: &str, content_type: &str, data: impl Into<Bytes>) -> Result<Self, BuildError> {
        check("a file name", name, FILE_NAME)?;
        let token = |t: &str| {
            (1..=127).contains(&t.len())
                && t.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
        };
        let Some((kind, subtype)) = content_type.split_once('/') else {
            return Err(BuildError::ContentType("no slash"));
        };
        if !token(kind) || !token(subtype) {
            return Err(BuildError::ContentType(
                "not two names of up to 127 letters, digits and !#$&-^_.+ (RFC 6838 4.2)",
            ));
        }
        let composite = ["multipart", "message"];
        if composite.iter().any(|c| kind.eq_ignore_ascii_case(c)) {
            return Err(BuildError::ContentType("it may not be in base64"));
        }
        Ok(Attachment {
            name: name.into(),
            content_type: content_type.into(),
            data: data.into(),
        })
    }

    /// Writes its header and the empty line.
    pub(super) fn head(&self, out: &mut String) {
        Folder::field(out, "Content-Type")
            .word(&self.content_type)
            .end();
        let mut folder = Folder::field(out, "Content-Disposition");
        folder.word("attachment");
        file_name(&mut folder, &self.name);
        folder.end();
        out.push_str("Content-Transfer-Encoding: base64\r\n\r\n");
    }
}

/// `filename=`, by RFC 2231 where it is not short and ASCII. Encoded words have no
/// place in a parameter (RFC 2047 5), and what looks like one would be read as one.
fn file_name(folder: &mut Folder<'_>, name: &str) {
    let printable = name.bytes().all(|b| (b' '..=b'~').contains(&b));
    if name.is_empty() {
        return;
    }
    if printable && name.len() <= PARAMETER && !name.contains("=?") && name.trim() == name {
        let mut value = String::from("filename=");
        match name.bytes().all(is_attribute) {
            true => value.push_str(name),
            false => quote(name, &mut value),
        }
        folder.glue(";").word(&value);
        return;
    }
    let mut sections = alloc::vec![String::from("utf-8''")];
    for byte in name.bytes() {
        if let Some(last) = sections.last()
            && last.len() > PARAMETER - 3
        {
            sections.push(String::new());
        }
        let Some(section) = sections.last_mut() else {
            return;
        };
        match is_attribute(byte) {
            true => section.push(char::from(byte)),
            false => {
                section.push('%');
                hex(byte, section);
            }
        }
    }
    match &sections[..] {
        [section] => {
            folder
                .glue(";")
                .word(&alloc::format!("filename*={section}"));
        }
        sections => {
            for (n, section) in sections.iter().enumerate() {
                folder
                    .glue(";")
                    .word(&alloc::format!("filename*{n}*={section}"));
            }
        }
    }
}

/// A character that stands for itself in an extended value (RFC 2231 7, RFC 5987
/// 3.2.1).
fn is_attribute(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte)
}
