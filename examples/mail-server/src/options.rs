//! The command line.

use std::{
    ffi::OsString,
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use clap::{CommandFactory, FromArgMatches, Parser, error::ErrorKind};
use scop_sasl::Secret;
use scop_smtp_proto::Host;

use crate::{
    exit::{Failure, USAGE},
    session::Enforcement,
};

/// Bytes in a page of the store.
const PAGE: u64 = 4096;
/// The least that a store needs to begin with, in pages.
const LEAST_PAGES: u32 = 64;

/// A mail server: SMTP, submission and IMAP over one SQLite file.
///
/// Without an argument it serves `localhost` on loopback, keeps everything in
/// ./mail-data, makes itself a certificate and, if there is no user yet, a user
/// `demo` whose password it prints once.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// Directory for mail, users and the generated certificate
    #[arg(long, value_name = "DIR", default_value = "mail-data")]
    data: PathBuf,
    /// Domain whose mail is kept here
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    domain: String,
    /// Add a user, or set a user's password anew; may be repeated. Other users of
    /// this machine can see it in the process list while the server runs
    #[arg(long, value_name = "NAME:PASSWORD")]
    user: Vec<String>,

    /// SMTP: takes mail for local users from anybody; STARTTLS
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2525")]
    smtp: SocketAddr,
    /// Submission: users send, after STARTTLS and AUTH
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2587")]
    submission: SocketAddr,
    /// Submission with TLS from the first byte
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2465")]
    submissions: SocketAddr,
    /// IMAP with STARTTLS
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2143")]
    imap: SocketAddr,
    /// IMAP with TLS from the first byte
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:2993")]
    imaps: SocketAddr,

    /// Certificate chain, PEM [default: DIR/cert.pem, made when it is missing]
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its private key, PEM [default: DIR/key.pem]
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Sign submitted mail with DKIM: a private key, PEM, RSA or Ed25519. May be
    /// repeated, each time with a selector: with a key of either kind everybody can verify
    #[arg(long, value_name = "FILE", requires = "dkim_selector")]
    dkim_key: Vec<PathBuf>,
    /// The name under which its public half is published
    #[arg(long, value_name = "NAME", requires = "dkim_key")]
    dkim_selector: Vec<String>,

    /// What becomes of mail that fails DMARC
    #[arg(long, value_name = "MODE", default_value = "mark")]
    dmarc: Enforcement,
    /// Answer questions to DNS from this master file, and check mail from this machine
    /// too: for tests, and for networks that are closed
    #[arg(long, value_name = "FILE")]
    zone: Option<PathBuf>,

    /// Refuse mail (452) that would make the store larger than this
    #[arg(long, value_name = "MIB", allow_negative_numbers = true)]
    store_limit: Option<f64>,
    /// Connections at the same time
    #[arg(long, value_name = "N", default_value = "1000")]
    max_connections: NonZeroU32,
    /// Connections at the same time from one address
    #[arg(long, value_name = "N", default_value = "200")]
    max_connections_per_ip: NonZeroU32,
    /// After SIGTERM, how long running transactions may take to finish
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    grace: u32,
}

/// What the server was asked to do.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) data: PathBuf,
    /// Lower case.
    pub(crate) domain: String,
    pub(crate) users: Vec<(String, Secret)>,
    pub(crate) addresses: Addresses,
    /// Certificate and key.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    /// Key and selector.
    pub(crate) dkim: Vec<(PathBuf, String)>,
    pub(crate) dmarc: Enforcement,
    pub(crate) zone: Option<PathBuf>,
    pub(crate) store_pages: Option<NonZeroU32>,
    pub(crate) max_connections: u32,
    pub(crate) max_connections_per_ip: u32,
    pub(crate) grace: Duration,
}

/// Where to listen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) smtp: SocketAddr,
    pub(crate) submission: SocketAddr,
    pub(crate) submissions: SocketAddr,
    pub(crate) imap: SocketAddr,
    pub(crate) imaps: SocketAddr,
}

/// What came of reading the command line.
#[derive(Debug)]
pub(crate) enum Asked {
    Serve(Box<Options>),
    /// `--help`, `--version`: print this.
    Print(String),
}

/// Reads the command line, program name first.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Asked, Failure> {
    let parsed = Arguments::command().try_get_matches_from(args);
    match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => check(arguments).map(|o| Asked::Serve(Box::new(o))),
        Err(e) if matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            Ok(Asked::Print(e.to_string()))
        }
        Err(e) => {
            let text = e.to_string();
            // The first paragraph says what is wrong; usage and tips follow it.
            let lines = text.lines().take_while(|line| !line.is_empty());
            let what: Vec<_> = lines.map(str::trim).collect();
            let what = what.join(" ");
            let what = what.strip_prefix("error: ").unwrap_or(&what);
            Err(usage(format!("{what}; see --help")))
        }
    }
}

fn usage(message: impl Into<String>) -> Failure {
    Failure::new(USAGE, message)
}

fn check(arguments: Arguments) -> Result<Options, Failure> {
    let domain = arguments.domain.to_ascii_lowercase();
    let valid =
        matches!(Host::parse(&domain), Ok(Host::Domain(_))) && domain.parse::<IpAddr>().is_err();
    if !valid {
        return Err(usage(format!(
            "--domain {domain:?}: not a domain name (RFC 5321 4.1.2)"
        )));
    }
    let users = arguments.user.iter();
    let users = users
        .map(|user| user_of(user, &domain))
        .collect::<Result<_, _>>()?;
    let store_pages = match arguments.store_limit {
        None => None,
        Some(mib) if mib.is_finite() && mib > 0.0 => {
            // Saturates: a limit past what SQLite can hold is no limit.
            let pages = (mib * 1024.0 * 1024.0 / PAGE as f64) as u32;
            NonZeroU32::new(pages.max(LEAST_PAGES))
        }
        Some(mib) => return Err(usage(format!("--store-limit {mib}: not a size in MiB"))),
    };
    let (keys, selectors) = (arguments.dkim_key, arguments.dkim_selector);
    if keys.len() != selectors.len() {
        return Err(usage(format!(
            "--dkim-key is there {} times and --dkim-selector {} times: they go together",
            keys.len(),
            selectors.len()
        )));
    }
    let dkim = keys.into_iter().zip(selectors).collect();
    Ok(Options {
        data: arguments.data,
        domain,
        users,
        addresses: Addresses {
            smtp: arguments.smtp,
            submission: arguments.submission,
            submissions: arguments.submissions,
            imap: arguments.imap,
            imaps: arguments.imaps,
        },
        tls: arguments.cert.zip(arguments.key),
        dkim,
        dmarc: arguments.dmarc,
        zone: arguments.zone,
        store_pages,
        max_connections: arguments.max_connections.get(),
        max_connections_per_ip: arguments.max_connections_per_ip.get(),
        grace: Duration::from_secs(arguments.grace.into()),
    })
}

/// `NAME:PASSWORD`, or `NAME@DOMAIN:PASSWORD`. What is wrong is said without the
/// password.
fn user_of(argument: &str, domain: &str) -> Result<(String, Secret), Failure> {
    let (name, password) = argument
        .split_once(':')
        .ok_or_else(|| usage("--user: not of the form NAME:PASSWORD"))?;
    let name = crate::accounts::login_name(name, domain).ok_or_else(|| {
        usage(format!(
            "--user {name:?}: a user's name has 1 to 64 letters, digits, '.', '_', '-' or '+', \
             and no domain but {domain}"
        ))
    })?;
    let fits = 1..=scop_sasl::MAX_PASSWORD;
    if !fits.contains(&password.len()) {
        return Err(usage(format!(
            "--user {name}: a password has {} to {} bytes",
            fits.start(),
            fits.end()
        )));
    }
    Ok((name, Secret::from(password)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serve(args: &[&str]) -> Result<Options, Failure> {
        let args = [&["mail-server"], args].concat();
        match parse(args.into_iter().map(OsString::from))? {
            Asked::Serve(options) => Ok(*options),
            Asked::Print(text) => panic!("{text}"),
        }
    }

    #[test]
    fn the_defaults_are_loopback_and_everything_is_an_option() {
        let options = serve(&[]).unwrap();
        assert_eq!(options.data, PathBuf::from("mail-data"));
        assert_eq!(options.domain, "localhost");
        assert_eq!(options.addresses.imaps, "127.0.0.1:2993".parse().unwrap());
        let options = serve(&[
            "--domain",
            "Example.ORG",
            "--user",
            "Ann@example.org:a:b",
            "--user",
            "bob:ü",
            "--imap",
            "[::1]:0",
            "--store-limit",
            "1.5",
            "--grace",
            "0",
        ]);
        let options = options.unwrap();
        assert_eq!(options.users[0], ("ann".into(), Secret::from("a:b")));
        assert_eq!(options.users[1], ("bob".into(), Secret::from("ü")));
        assert_eq!(options.store_pages, NonZeroU32::new(384));
        assert!(!format!("{options:?}").contains("a:b"));
    }

    #[test]
    fn a_wrong_option_is_one_line_without_a_password() {
        for (args, what) in [
            (&["--smtp", "nowhere"][..], "--smtp"),
            (&["--nonsense"], "--nonsense"),
            (&["stray"], "stray"),
            (&["--user", "ann"], "NAME:PASSWORD"),
            (&["--user", "ann:"], "--user ann"),
            (&["--user", "a b:hunter2"], "a b"),
            (&["--user", "ann@elsewhere.org:hunter2"], "localhost"),
            (&["--domain", "a..b"], "--domain"),
            (&["--domain", "127.0.0.1"], "--domain"),
            (&["--domain", "[127.0.0.1]"], "--domain"),
            (&["--cert", "x"], "--key"),
            (&["--dkim-key", "x"], "--dkim-selector"),
            (
                &["--dkim-key", "x", "--dkim-key", "y", "--dkim-selector", "s"],
                "--dkim-selector 1 times",
            ),
            (&["--dmarc", "maybe"], "--dmarc"),
            (&["--store-limit", "-1"], "--store-limit"),
            (&["--store-limit", "NaN"], "--store-limit"),
            (&["--max-connections", "0"], "--max-connections"),
        ] {
            let failure = serve(args).unwrap_err();
            assert_eq!(failure.code, USAGE, "{args:?}");
            let said = &failure.message;
            assert!(
                said.contains(what) && !said.contains('\n'),
                "{args:?}: {said}"
            );
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn help_names_every_option_and_the_command_is_sound() {
        Arguments::command().debug_assert();
        let Ok(Asked::Print(help)) = parse(["mail-server", "--help"].map(OsString::from)) else {
            panic!("no help");
        };
        for option in "data domain user smtp submission submissions imap imaps cert key dkim-key \
                       dkim-selector dmarc zone"
            .split_whitespace()
        {
            assert!(help.contains(&format!("--{option} <")), "{option}");
        }
    }
}
