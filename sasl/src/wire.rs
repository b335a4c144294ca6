//! How SASL messages travel in SMTP (RFC 4954 section 4) and IMAP (RFC 9051
//! section 6.2.2, RFC 4959): base64, with `=` for an empty initial response and `*`
//! to cancel.
//!
//! ```
//! use scop_sasl::wire::{self, Line};
//!
//! assert_eq!(wire::encode(b"\0tim\0pass"), "AHRpbQBwYXNz");
//! assert!(matches!(wire::parse(b"*"), Ok(Line::Cancel)));
//! let Ok(Line::Message(message)) = wire::parse(b"AHRpbQBwYXNz") else { panic!() };
//! assert_eq!(message.expose(), b"\0tim\0pass");
//! assert!(wire::parse_initial(b"=").unwrap().is_empty());
//! assert_eq!(wire::encode_initial(b""), "=");
//! ```

use alloc::string::String;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{Error, Secret};

/// What a client's line in an exchange is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// `*`: the client gives up; answer 501 or `BAD`.
    Cancel,
    /// A message for the mechanism.
    Message(Secret),
}

/// A line in the course of an exchange, without its CRLF.
///
/// # Errors
///
/// [`Error::Base64`]: padding must be there and exact, no other character may be.
/// Bound the line before: this takes what it is given, and three quarters of its
/// length in memory.
pub fn parse(line: &[u8]) -> Result<Line, Error> {
    if line == b"*" {
        return Ok(Line::Cancel);
    }
    decode(line).map(Line::Message)
}

/// The initial response on the command itself; `=` is an empty one.
///
/// # Errors
///
/// [`Error::Base64`] as [`parse`].
pub fn parse_initial(argument: &[u8]) -> Result<Secret, Error> {
    if argument == b"=" {
        return Ok(Secret::default());
    }
    decode(argument)
}

/// Strict base64 (RFC 4648 section 4).
///
/// # Errors
///
/// [`Error::Base64`].
pub fn decode(text: &[u8]) -> Result<Secret, Error> {
    STANDARD
        .decode(text)
        .map(Secret::from)
        .map_err(|_| Error::Base64)
}

/// Base64 of a message; empty for an empty one.
#[must_use]
pub fn encode(message: &[u8]) -> String {
    STANDARD.encode(message)
}

/// An initial response for the command line; `=` for an empty one.
#[must_use]
pub fn encode_initial(message: &[u8]) -> String {
    if message.is_empty() {
        String::from("=")
    } else {
        encode(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn base64_is_strict() {
        // Stray bits, missing padding, spaces, line ends, the URL alphabet, an `=`
        // that is no initial response.
        for bad in [
            "Zh==", "Zg", "Zg=", " Zg==", "Zg==\r\n", "Z-_=", "=", "====", "Z*==", "Zg==Zg==",
        ] {
            assert_eq!(parse(bad.as_bytes()), Err(Error::Base64), "{bad}");
        }
        assert_eq!(parse_initial(b"*"), Err(Error::Base64));
        assert_eq!(parse(b""), Ok(Line::Message(Secret::default())));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_encoded_comes_back(message: Vec<u8>) {
            let line = decode(encode(&message).as_bytes()).unwrap();
            prop_assert_eq!(line.expose(), &message[..]);
            let initial = parse_initial(encode_initial(&message).as_bytes()).unwrap();
            prop_assert_eq!(initial.expose(), &message[..]);
        }

        #[test]
        fn nothing_makes_it_panic(line: Vec<u8>) {
            let _ = (parse(&line), parse_initial(&line));
        }
    }
}
