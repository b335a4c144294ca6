//! What the server says on standard output when it is up: where it listens, and
//! three commands to try.

use std::{fmt::Write, net::SocketAddr, path::Path};

use scop_sasl::Secret;

use crate::{certificate::Certificate, options::Addresses};

/// What the banner is about.
pub(crate) struct Banner<'a> {
    pub(crate) data: &'a Path,
    pub(crate) domain: &'a str,
    /// As they turned out to be.
    pub(crate) addresses: Addresses,
    pub(crate) certificate: &'a Certificate,
    /// Somebody who has mail here.
    pub(crate) user: &'a str,
    /// The password that was made for them just now.
    pub(crate) password: Option<&'a Secret>,
}

impl Banner<'_> {
    /// The text. Its last line is `ready`.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let (at, user, domain) = (&self.addresses, self.user, self.domain);
        let version = env!("CARGO_PKG_VERSION");
        writeln!(
            out,
            "mail-server {version}: mail for @{domain}, kept in {}",
            self.data.display()
        )?;
        writeln!(out)?;
        for (name, address, what) in [
            (
                "smtp",
                at.smtp,
                "mail for users here, from anybody; STARTTLS",
            ),
            (
                "submission",
                at.submission,
                "mail from users; STARTTLS, then AUTH",
            ),
            ("submissions", at.submissions, "the same, with TLS at once"),
            ("imap", at.imap, "reading; STARTTLS"),
            ("imaps", at.imaps, "the same, with TLS at once"),
        ] {
            writeln!(out, "  {name:<12} {:<16} {what}", address.to_string())?;
        }
        writeln!(out)?;
        let login = match self.password {
            Some(password) => {
                let password = String::from_utf8_lossy(password.expose());
                writeln!(out, "user {user}, password {password}")?;
                writeln!(
                    out,
                    "(shown only now; `--user {user}:PASSWORD` sets another)"
                )?;
                writeln!(out)?;
                format!("{user}:{password}")
            }
            None => user.to_owned(), // curl asks for the password
        };
        let ca = if self.certificate.self_signed {
            let file = self.certificate.chain_file.to_string_lossy();
            format!(" --cacert {}", quoted(&file))
        } else {
            String::new()
        };
        writeln!(out, "try, in another terminal:")?;
        writeln!(
            out,
            "  printf 'Subject: hello\\n\\nIt works.\\n' | curl{ca} --ssl-reqd --crlf smtp://{} \
             --mail-from me@example.org --mail-rcpt {user}@{domain} --upload-file -",
            host(at.smtp)
        )?;
        writeln!(
            out,
            "  printf 'From: {user}@{domain}\\nSubject: note\\n\\nTo myself.\\n' | curl{ca} --crlf \
             smtps://{} --user {login} --mail-from {user}@{domain} --mail-rcpt {user}@{domain} \
             --upload-file -",
            host(at.submissions)
        )?;
        writeln!(
            out,
            "  curl{ca} --user {login} 'imaps://{}/INBOX;MAILINDEX=*'",
            host(at.imaps)
        )?;
        writeln!(out)?;
        writeln!(out, "ready")
    }
}

/// How a client on this machine reaches an address, by a name in the certificate
/// where it is loopback.
fn host(address: SocketAddr) -> String {
    let ip = address.ip();
    if ip.is_loopback() || ip.is_unspecified() {
        return format!("localhost:{}", address.port());
    }
    address.to_string()
}

/// For a shell.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_survive_a_shell() {
        assert_eq!(quoted("mail-data/cert.pem"), "mail-data/cert.pem");
        assert_eq!(quoted("my data/it's.pem"), "'my data/it'\\''s.pem'");
        assert_eq!(host("0.0.0.0:25".parse().unwrap()), "localhost:25");
        assert_eq!(host("[::1]:25".parse().unwrap()), "localhost:25");
        assert_eq!(host("192.0.2.1:25".parse().unwrap()), "192.0.2.1:25");
    }
}
