use core::fmt;

/// The announcement of a literal: `{n}`, `{n+}`, `~{n}`.
///
/// ```
/// use scop_imap_proto::types::Literal;
///
/// let literal = Literal::at_end(b"A1 APPEND saved {310+}").unwrap().unwrap();
/// assert_eq!((literal.size(), literal.is_sync()), (310, false));
/// assert_eq!(literal.to_string(), "{310+}");
/// assert!(Literal::at_end(b"A1 NOOP").is_none());
/// assert!(Literal::at_end(b"A1 APPEND saved {99999999999999999999}").unwrap().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Literal {
    size: u64,
    sync: bool,
    binary: bool,
}

/// Which literals a client need not wait for (RFC 7888).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NonSync {
    /// None: each waits for the server's `+`.
    #[default]
    Never,
    /// `LITERAL-`: those of up to 4096 bytes.
    Minus,
    /// `LITERAL+`: all of them.
    Plus,
}

impl NonSync {
    /// Whether a literal of `size` bytes may go without waiting.
    #[must_use]
    pub const fn allows(self, size: u64) -> bool {
        match self {
            NonSync::Never => false,
            NonSync::Minus => size <= 4096,
            NonSync::Plus => true,
        }
    }
}

impl Literal {
    /// `{size}`: in a command the sender waits for `+`; in a response nobody waits.
    #[must_use]
    pub const fn sync(size: u64) -> Self {
        Literal {
            size,
            sync: true,
            binary: false,
        }
    }

    /// `{size+}` (RFC 7888): the content follows at once.
    #[must_use]
    pub const fn non_sync(size: u64) -> Self {
        Literal {
            size,
            sync: false,
            binary: false,
        }
    }

    /// The form a client uses for `size` bytes towards a server with `support`.
    #[must_use]
    pub const fn for_client(size: u64, support: NonSync) -> Self {
        Literal {
            size,
            sync: !support.allows(size),
            binary: false,
        }
    }

    /// How many bytes follow the line end.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Whether the sender of a command waits for `+` before the content.
    #[must_use]
    pub const fn is_sync(&self) -> bool {
        self.sync
    }

    /// `~{n}`: a literal8 (RFC 3516), whose content may hold NUL.
    #[must_use]
    pub const fn is_binary(&self) -> bool {
        self.binary
    }

    /// The announcement at the end of a line (given without its CRLF), if there is
    /// one; `Err` says what is wrong with it. Looks at the last 24 bytes only.
    #[must_use]
    pub fn at_end(line: &[u8]) -> Option<Result<Literal, &'static str>> {
        if line.last() != Some(&b'}') {
            return None;
        }
        let open = line.iter().rposition(|&b| b == b'{')?;
        let digits = line.get(open + 1..)?;
        // A brace that ends something else than a size is just a byte.
        if !(digits.iter()).all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'}')) {
            return None;
        }
        let start = match open.checked_sub(1) {
            Some(before) if line.get(before) == Some(&b'~') => before,
            _ => open,
        };
        Some(Literal::parse(line.get(start..)?))
    }

    /// All of `text` as an announcement.
    pub(crate) fn parse(text: &[u8]) -> Result<Literal, &'static str> {
        let (binary, text) = match text.strip_prefix(b"~") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let inner = text
            .strip_prefix(b"{")
            .and_then(|t| t.strip_suffix(b"}"))
            .ok_or("not a literal's {size}")?;
        let (sync, digits) = match inner.strip_suffix(b"+") {
            Some(digits) => (false, digits),
            None => (true, inner),
        };
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err("a literal's size is not a number");
        }
        let size = digits.iter().try_fold(0u64, |n, d| {
            n.checked_mul(10)?.checked_add(u64::from(d - b'0'))
        });
        match size {
            Some(size) if i64::try_from(size).is_ok() => Ok(Literal { size, sync, binary }),
            _ => Err("a literal's size is past 63 bits"),
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tilde = if self.binary { "~" } else { "" };
        let plus = if self.sync { "" } else { "+" };
        write!(f, "{tilde}{{{}{plus}}}", self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn announcements_at_the_end_of_a_line() {
        for (line, text) in [
            ("A LOGIN {3}", "{3}"),
            ("A LOGIN {3+}", "{3+}"),
            ("A APPEND x ~{12}", "~{12}"),
            ("{0}", "{0}"),
        ] {
            let found = Literal::at_end(line.as_bytes()).unwrap().unwrap();
            assert_eq!(found.to_string(), text);
        }
        for none in [
            "",
            "A NOOP",
            "A LOGIN {3} ",
            "A {x}",
            "}",
            "A LOGIN \"{3}\"",
        ] {
            assert_eq!(Literal::at_end(none.as_bytes()), None, "{none}");
        }
        for bad in [
            "A {}",
            "A {-1}",
            "A {18446744073709551616}",
            "A {1++}",
            "A {+}",
        ] {
            assert!(Literal::at_end(bad.as_bytes()).unwrap().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_goes_without_waiting() {
        assert!(!NonSync::Never.allows(0));
        assert!(NonSync::Minus.allows(4096) && !NonSync::Minus.allows(4097));
        assert!(NonSync::Plus.allows(u64::MAX));
        assert_eq!(
            Literal::for_client(5000, NonSync::Minus).to_string(),
            "{5000}"
        );
    }
}
