use alloc::{string::String, vec::Vec};
use core::{fmt, hint};

/// Bytes that must not be seen: `Debug` masks them, comparison takes the same time
/// wherever the difference lies, and the memory is overwritten when dropped.
///
/// The overwriting is best effort: safe Rust cannot reach the copies a moved or
/// grown buffer left behind.
///
/// ```
/// use scop_sasl::Secret;
///
/// let secret = Secret::from("hunter2");
/// assert_eq!(format!("{secret:?}"), "Secret(***)");
/// assert_eq!(secret.expose(), b"hunter2");
/// ```
#[derive(Clone, Default)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The bytes. The name makes each use easy to find.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Secret(bytes)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Secret(text.into_bytes())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Secret(text.as_bytes().to_vec())
    }
}

impl From<&[u8]> for Secret {
    fn from(bytes: &[u8]) -> Self {
        Secret(bytes.to_vec())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Takes the same time for all values of one length; the length is not hidden.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let differing = (self.0.iter().zip(&other.0)).fold(0, |acc, (a, b)| acc | (a ^ b));
        (self.0.len() == other.0.len()) & (hint::black_box(differing) == 0)
    }
}

impl Eq for Secret {}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        hint::black_box(&mut self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_of_bytes() {
        assert_eq!(Secret::from("a"), Secret::from(&b"a"[..]));
        assert_ne!(Secret::from("a"), Secret::from("b"));
        assert_ne!(Secret::from("a"), Secret::from("ab"));
        assert_ne!(Secret::from(""), Secret::from("ab"));
    }
}
