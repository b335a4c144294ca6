//! From `HOST:PORT` to a machine that talks over TLS.

use std::{
    fs, io,
    net::{TcpStream, ToSocketAddrs},
    path::PathBuf,
    time::Duration,
};

use clap::{Args, ValueEnum};
use scop_core::Machine;
use scop_sasl::{Credentials, Secret};
use scop_tls_adapters::{ClientConfig, Roots, Tls, WallClock, blocking::Driver};

use crate::{
    exit::{Failure, code},
    trace::{Protocol, Traced, Transcript},
};

/// Where to, and how far it is trusted.
#[derive(Args, Clone, Debug)]
pub(crate) struct Connect {
    /// The server
    #[arg(long, value_name = "HOST:PORT")]
    server: String,
    /// TLS at once, by STARTTLS, or not at all; by default implicit on ports 465 and 993, else starttls
    #[arg(long, value_enum)]
    tls: Option<TlsMode>,
    /// Log in as this user
    #[arg(long, requires = "password_file")]
    user: Option<String>,
    /// The file whose first line is the password; - for standard input
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Trust the certificates in this PEM file as well
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Accept any certificate. The connection is then encrypted, but to whom nobody knows:
    /// whoever sits in between reads everything, the password included, and may change it
    #[arg(long)]
    insecure: bool,
    /// Send the password also where the connection is not encrypted
    #[arg(long)]
    password_in_clear: bool,
    /// Print the conversation on standard error, secrets masked
    #[arg(long)]
    trace: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TlsMode {
    /// TLS from the first byte
    Implicit,
    /// In clear at first, then TLS or nothing
    Starttls,
    /// No TLS
    None,
}

/// A connection under a machine `M`.
pub(crate) type Connection<M> = Driver<Tls<Traced<M>>, TcpStream>;

impl Connect {
    pub(crate) fn tls(&self) -> TlsMode {
        self.tls.unwrap_or_else(|| {
            if self.server.ends_with(":465") || self.server.ends_with(":993") {
                TlsMode::Implicit
            } else {
                TlsMode::Starttls
            }
        })
    }

    pub(crate) fn allows_password_in_clear(&self) -> bool {
        self.password_in_clear
    }

    /// Whether standard input is taken by the password.
    pub(crate) fn reads_stdin(&self) -> bool {
        self.password_file.as_deref() == Some("-".as_ref())
    }

    /// Who logs in, if anybody.
    pub(crate) fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        let (Some(user), Some(file)) = (&self.user, &self.password_file) else {
            return Ok(None);
        };
        let (name, text) = if self.reads_stdin() {
            let mut line = String::new();
            let read = io::stdin().read_line(&mut line).map(|_| line);
            ("standard input".to_owned(), read)
        } else {
            (file.display().to_string(), fs::read_to_string(file))
        };
        let text = text.map_err(|e| Failure::io(&name, &e))?;
        let password = text.lines().next().unwrap_or_default();
        Credentials::new(user.clone(), Secret::from(password))
            .map(Some)
            .map_err(|e| Failure::new(code::USAGE, e))
    }

    /// Connects, with `machine` on this side.
    pub(crate) fn open<M: Machine>(
        &self,
        machine: M,
        protocol: Protocol,
    ) -> Result<Connection<M>, Failure> {
        let host = self.host()?;
        let transcript = self.trace.then(|| Transcript::new(protocol));
        let machine = Traced::new(machine, transcript);
        let machine = if self.tls() == TlsMode::None {
            Tls::plain(machine)
        } else {
            let alpn = match protocol {
                Protocol::Smtp => "smtp",
                Protocol::Imap => "imap",
            };
            let handshake = self.config()?.alpn(&[alpn]).connect_to(host);
            let handshake = handshake.map_err(|e| Failure::new(code::USAGE, e))?;
            match self.tls() {
                TlsMode::Implicit => Tls::implicit(machine, handshake),
                _ => Tls::starttls(machine, handshake),
            }
        };
        Ok(Driver::new(self.socket()?, machine))
    }

    fn host(&self) -> Result<&str, Failure> {
        let wrong = || {
            Failure::new(
                code::USAGE,
                format_args!("--server {}: want HOST:PORT", self.server),
            )
        };
        let (host, port) = self.server.rsplit_once(':').ok_or_else(wrong)?;
        port.parse::<u16>().map_err(|_| wrong())?;
        let host = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        Ok(host)
    }

    fn config(&self) -> Result<ClientConfig, Failure> {
        let config = if self.insecure {
            ClientConfig::insecure_accept_any_certificate(WallClock::system())
        } else {
            let mut roots = Roots::new();
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            if let Some(file) = &self.ca {
                let name = file.display().to_string();
                let pem = fs::read(file).map_err(|e| Failure::io(&name, &e))?;
                roots
                    .add_pem(&pem)
                    .map_err(|e| Failure::new(code::DATA, format_args!("--ca {name}: {e}")))?;
            }
            ClientConfig::new(roots, WallClock::system())
        };
        config.map_err(|e| Failure::new(code::CONFIG, e))
    }

    /// Tries each address of the server in turn.
    fn socket(&self) -> Result<TcpStream, Failure> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let addresses = self.server.to_socket_addrs();
        let addresses = addresses
            .map_err(|e| Failure::new(code::NO_HOST, format_args!("{}: {e}", self.server)))?;
        let mut last = None;
        for address in addresses {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(socket) => {
                    let _ = socket.set_nodelay(true);
                    return Ok(socket);
                }
                Err(e) => last = Some(e),
            }
        }
        let why = last.map_or_else(|| "no address".to_owned(), |e| e.to_string());
        Err(Failure::new(
            code::UNAVAILABLE,
            format_args!("cannot connect to {}: {why}", self.server),
        ))
    }
}
