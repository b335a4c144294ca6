use alloc::string::String;
use core::str;

use crate::{Error, Secret};

/// The longest identity taken, in bytes. RFC 4616 section 2 asks for 255 at least.
pub const MAX_IDENTITY: usize = 1024;
/// The longest password taken, in bytes; long enough for a token in its place.
pub const MAX_PASSWORD: usize = 8192;

/// Who somebody says they are and the password that shall prove it.
///
/// Made by a client's caller to send it, and by [`Server`](crate::Server) from what
/// came, for its caller to check. All three parts are UTF-8 without NUL, the
/// identity and the password are not empty, and none is longer than
/// [`MAX_IDENTITY`] or [`MAX_PASSWORD`].
///
/// Nothing is prepared (SASLprep, PRECIS): compare prepared strings with prepared
/// strings (RFC 4616 section 2, RFC 8265).
///
/// ```
/// use scop_sasl::Credentials;
///
/// let tim = Credentials::new("tim", "tanstaaftanstaaf")?;
/// assert_eq!(tim.authcid(), "tim");
/// assert!(!format!("{tim:?}").contains("tanstaaf"));
/// assert!(Credentials::new("tim", "a\0b").is_err());
/// # Ok::<(), scop_sasl::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    authzid: Option<String>,
    authcid: String,
    password: Secret,
}

impl Credentials {
    /// Credentials to act as oneself.
    ///
    /// # Errors
    ///
    /// [`Error::Credentials`] for an empty, overlong or non-UTF-8 part, or a NUL.
    pub fn new(authcid: impl Into<String>, password: impl Into<Secret>) -> Result<Self, Error> {
        let (authcid, password) = (authcid.into(), password.into());
        identity(&authcid)?;
        if password.is_empty() {
            return Err(Error::Credentials("empty password"));
        }
        if password.len() > MAX_PASSWORD {
            return Err(Error::Credentials("password too long"));
        }
        if password.expose().contains(&0) {
            return Err(Error::Credentials("NUL in the password"));
        }
        if str::from_utf8(password.expose()).is_err() {
            return Err(Error::Credentials("password is not UTF-8"));
        }
        Ok(Credentials {
            authzid: None,
            authcid,
            password,
        })
    }

    /// The same, to act as `authzid`: the authorization identity of RFC 4422
    /// section 2.
    ///
    /// # Errors
    ///
    /// [`Error::Credentials`] as [`new`](Self::new).
    pub fn acting_as(mut self, authzid: impl Into<String>) -> Result<Self, Error> {
        let authzid = authzid.into();
        identity(&authzid)?;
        self.authzid = Some(authzid);
        Ok(self)
    }

    /// Whom they wish to act as; `None`: as themselves. Whoever checks a password
    /// must check this too, or refuse what is not `None`.
    #[must_use]
    pub fn authzid(&self) -> Option<&str> {
        self.authzid.as_deref()
    }

    /// Whose password it is.
    #[must_use]
    pub fn authcid(&self) -> &str {
        &self.authcid
    }

    /// The password, UTF-8.
    #[must_use]
    pub fn password(&self) -> &Secret {
        &self.password
    }
}

fn identity(name: &str) -> Result<(), Error> {
    if name.is_empty() {
        return Err(Error::Credentials("empty identity"));
    }
    if name.len() > MAX_IDENTITY {
        return Err(Error::Credentials("identity too long"));
    }
    if name.contains('\0') {
        return Err(Error::Credentials("NUL in an identity"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_carried_cannot_be_made() {
        assert!(Credentials::new("", "x").is_err());
        assert!(Credentials::new("x", "").is_err());
        assert!(Credentials::new("x\0", "x").is_err());
        assert!(Credentials::new("x", &b"\xff"[..]).is_err());
        assert!(Credentials::new("x".repeat(MAX_IDENTITY), "x".repeat(MAX_PASSWORD)).is_ok());
        assert!(Credentials::new("x".repeat(MAX_IDENTITY + 1), "x").is_err());
        assert!(Credentials::new("x", "x".repeat(MAX_PASSWORD + 1)).is_err());
        let fine = Credentials::new("x", "x").unwrap();
        assert!(fine.clone().acting_as("").is_err());
        assert!(fine.acting_as("a\0").is_err());
    }
}
