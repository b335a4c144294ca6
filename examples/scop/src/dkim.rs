//! `scop dkim sign|verify|keygen`.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use ring::rand::SystemRandom;
use scop_dkim::{
    Canonicalization, DkimResult, Domain, KeyRecord, Limits, Outcome, Policy, RemoteKey, Selector,
    Signer, Signers, Signing, SigningKey, Verification, Verifier,
};
use scop_mime::EncodeBase64;
use serde_json::{Value, json};

use crate::{
    dns,
    elsewhere::{self, Elsewhere},
    exit::{Failure, code},
    input::{LineEnds, Source, print},
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Put a DKIM-Signature on top of a message; it goes to standard output
    Sign(Sign),
    /// Verify the signatures of a message: a line for each, exit code 0 only if one passes
    Verify(Verify),
    /// Make an Ed25519 key; the DNS record for it goes to standard output
    ///
    /// RSA keys are made with `openssl genrsa -out FILE 2048`; `scop dkim record` gives
    /// the record of any key.
    Keygen(Keygen),
    /// Print the DNS record of a key
    Record(Record),
}

/// A key, and where its record is.
#[derive(Args)]
pub(crate) struct Key {
    /// The domain that signs: d=
    #[arg(long)]
    domain: String,
    /// The selector of its key: s=
    #[arg(long)]
    selector: String,
    /// The private key: PEM, PKCS#8 or PKCS#1
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

impl Key {
    pub(crate) fn read(&self) -> Result<(Domain, Selector, SigningKey), Failure> {
        let (domain, selector) = place(&self.domain, &self.selector)?;
        Ok((domain, selector, read_key(&self.key)?))
    }
}

/// Keys, and where their records are.
#[derive(Args)]
struct Keys {
    /// The domain that signs: d=; one for all keys, or one for each
    #[arg(long, required = true)]
    domain: Vec<String>,
    /// The selector of the key: s=; given again for each further key
    #[arg(long, required = true)]
    selector: Vec<String>,
    /// The private key: PEM, PKCS#8 or PKCS#1; several sign in one pass, RSA and Ed25519 say
    #[arg(long, value_name = "FILE", required_unless_present = "public_key")]
    key: Vec<PathBuf>,
    /// The public half of a key that is elsewhere, in an HSM say: PEM; several as with --key
    #[arg(long, value_name = "FILE", conflicts_with = "key", requires = "signer")]
    public_key: Vec<PathBuf>,
    #[command(flatten)]
    elsewhere: Elsewhere,
}

impl Keys {
    /// Each with where its record is.
    fn read<K>(
        &self,
        files: &[PathBuf],
        read: impl Fn(&Path) -> Result<K, Failure>,
    ) -> Result<Vec<(Domain, Selector, K)>, Failure> {
        let (domains, keys) = (self.domain.len(), files.len());
        if self.selector.len() != keys || domains != 1 && domains != keys {
            let wanted =
                "want one --selector for each key, and one --domain for all keys or for each";
            return Err(Failure::new(code::USAGE, wanted));
        }
        let domains = self.domain.iter().cycle();
        let all = domains.zip(&self.selector).zip(files);
        all.map(|((domain, selector), file)| {
            let (domain, selector) = place(domain, selector)?;
            Ok((domain, selector, read(file)?))
        })
        .collect()
    }
}

#[derive(Args)]
pub(crate) struct Sign {
    #[command(flatten)]
    keys: Keys,
    /// Header/body canonicalization: relaxed or simple
    #[arg(long, value_name = "HEADER/BODY", default_value = "relaxed/relaxed")]
    canonicalization: String,
    /// The signature expires so many seconds from now
    #[arg(long, value_name = "SECONDS")]
    expires_after: Option<u64>,
    /// The message; - or nothing for standard input
    file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    dns: dns::From,
    /// One JSON object instead of text, with all that each signature says and covers
    #[arg(long)]
    json: bool,
    /// The message; - or nothing for standard input
    file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Keygen {
    /// Where to write the private key, which nobody else may read; never overwritten
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(crate) struct Record {
    /// The private key: PEM, PKCS#8 or PKCS#1
    #[arg(long, value_name = "FILE", required_unless_present = "public_key")]
    key: Option<PathBuf>,
    /// Or its public half: PEM
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    public_key: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
struct Place {
    /// The domain that will sign
    #[arg(long)]
    domain: String,
    /// The selector of the key
    #[arg(long)]
    selector: String,
}

impl Place {
    fn parse(&self) -> Result<(Domain, Selector), Failure> {
        place(&self.domain, &self.selector)
    }
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Sign(args) => sign(&args),
        Command::Verify(args) => verify(&args),
        Command::Keygen(args) => keygen(&args),
        Command::Record(args) => record(&args),
    }
}

fn sign(args: &Sign) -> Result<(), Failure> {
    let random = SystemRandom::new();
    if args.keys.public_key.is_empty() {
        let keys = args.keys.read(&args.keys.key, read_key)?;
        return sign_with(args, keys, |signing| signing.finish(&random).map_err(bad));
    }
    let keys = args.keys.read(&args.keys.public_key, elsewhere::read_key)?;
    sign_with(args, keys, |signing: Signing<RemoteKey>| {
        args.keys.elsewhere.sign(signing.finish().map_err(bad)?)
    })
}

fn bad(error: scop_dkim::SignError) -> Failure {
    Failure::new(code::DATA, error)
}

/// Signs with keys that are here or not; `finish` gives the fields.
fn sign_with<K: scop_dkim::Key>(
    args: &Sign,
    keys: Vec<(Domain, Selector, K)>,
    finish: impl FnOnce(Signing<K>) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let (header, body) = canonicalization(&args.canonicalization)?;
    let mut signers = keys.into_iter().map(|(domain, selector, key)| {
        let signer = Signer::new(domain, selector, key).canonicalization(header, body);
        match args.expires_after {
            Some(seconds) => signer.expires_after(seconds),
            None => signer,
        }
    });
    let first = signers.next();
    let first = first.ok_or_else(|| Failure::new(code::USAGE, "no key"))?;
    let signers = signers.fold(Signers::from(first), Signers::and);
    let source = Source::new(args.file.clone());
    let mut signing = signers.start(crate::now()?);
    // The signature stands above what it signs, so the message is kept.
    let mut message = Vec::new();
    let mut pieces = source.pieces()?;
    while let Some(piece) = pieces.next()? {
        message.extend_from_slice(&piece);
        signing.write(&piece).map_err(bad)?;
    }
    let mut signed = finish(signing)?.into_bytes();
    signed.append(&mut message);
    if pieces.line_ends() == LineEnds::Lf {
        signed = to_lf(&signed);
    }
    print(&signed)
}

fn verify(args: &Verify) -> Result<(), Failure> {
    let mut dns = args.dns.open()?;
    let mut verifier = Verifier::new(Policy::default(), Limits::default(), crate::now()?);
    let mut pieces = Source::new(args.file.clone()).pieces()?;
    while let Some(piece) = pieces.next()? {
        // What is over a limit shows in the result.
        let _ = verifier.write(&piece);
    }
    let mut verification = verifier.finish();
    while let Some(query) = verification.next_query() {
        let _ = verification.answer(query.id, dns.answer(&query));
    }
    let text = match args.json {
        true => format!("{}\n", to_json(&verification)),
        false => to_text(&verification),
    };
    print(text.as_bytes())?;
    match verification.result() {
        DkimResult::Pass => Ok(()),
        DkimResult::None => Err(Failure::new(code::DATA, "the message is not signed")),
        DkimResult::TempError => Err(Failure::new(
            code::TEMPORARY,
            "a key could not be asked for",
        )),
        _ => Err(Failure::new(code::DATA, "no signature passes")),
    }
}

/// What a signature that counts says nothing about, though it is shown or decides how the
/// body is read.
fn open_fields(outcome: &Outcome) -> String {
    let open = outcome.unsigned_fields().map(|field| field.name);
    let open: Vec<&str> = open.collect();
    match outcome.result() == DkimResult::Pass && !open.is_empty() {
        true => format!("; not signed: {}", open.join(", ")),
        false => String::new(),
    }
}

/// A line for each signature.
pub(crate) fn to_text(verification: &Verification) -> String {
    let outcomes = verification.outcomes();
    let mut text: String = outcomes
        .iter()
        .map(|outcome| format!("{outcome}{}\n", open_fields(outcome)))
        .collect();
    if let Some(limit) = verification.limit() {
        text += &format!("permerror: {limit}\n");
    } else if outcomes.is_empty() {
        text += "none: the message is not signed\n";
    }
    if verification.skipped() > 0 {
        text += &format!(
            "{} more signatures were not looked at\n",
            verification.skipped()
        );
    }
    text
}

pub(crate) fn to_json(verification: &Verification) -> Value {
    let signature = |(at, outcome): (usize, &Outcome)| {
        let signature = outcome.signature.as_ref();
        let open: Vec<Value> = outcome
            .unsigned_fields()
            .map(|field| json!({"name": field.name, "instances": field.instances}))
            .collect();
        let signed = verification.coverage(at);
        let signed = signed.iter().filter(|field| field.signed);
        let signed: Vec<_> = signed
            .map(|field| String::from_utf8_lossy(field.name))
            .collect();
        json!({
            "result": outcome.result().to_string(),
            "reason": outcome.reason.to_string(),
            "domain": outcome.domain().map(Domain::as_str),
            "selector": outcome.selector().map(Selector::as_str),
            "identity": signature.map(|s| s.identity().to_string()),
            "algorithm": signature.map(|s| s.algorithm().to_string()),
            "canonicalization": signature.map(|s| {
                format!("{}/{}", s.header_canonicalization(), s.body_canonicalization())
            }),
            "key_bits": outcome.key_bits(),
            "testing": outcome.testing,
            "t": signature.and_then(|s| s.timestamp()),
            "x": signature.and_then(|s| s.expiration()),
            "l": signature.and_then(|s| s.length()),
            "bh": signature.map(|s| base64(s.body_hash())),
            "b": signature.map(|s| base64(s.signature())),
            "signed": signed,
            "unsigned": open,
            "unsigned_body": outcome.unsigned_body,
        })
    };
    let outcomes = verification.outcomes().iter().enumerate();
    json!({
        "result": verification.result().to_string(),
        "signatures": outcomes.map(signature).collect::<Vec<_>>(),
        "skipped": verification.skipped(),
        "limit": verification.limit().map(|limit| limit.to_string()),
    })
}

fn base64(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    let mut encoder = EncodeBase64::new();
    encoder.encode(bytes, &mut text);
    encoder.finish(&mut text);
    text.retain(|b| !b.is_ascii_whitespace());
    String::from_utf8_lossy(&text).into_owned()
}

fn keygen(args: &Keygen) -> Result<(), Failure> {
    let place = args.place.parse()?;
    let new = SigningKey::generate(&SystemRandom::new());
    let (key, pem) = new.map_err(|e| Failure::new(code::IO, e))?;
    let name = args.key.display().to_string();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&args.key).map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::new(
            code::USAGE,
            format_args!("{name} exists and is left as it is; name another file"),
        ),
        _ => Failure::io(&name, &e),
    })?;
    file.write_all(pem.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|e| Failure::io(&name, &e))?;
    print_record(&place, &key.record())
}

fn record(args: &Record) -> Result<(), Failure> {
    let record = match (&args.key, &args.public_key) {
        (Some(file), _) => read_key(file)?.record(),
        (None, Some(file)) => elsewhere::read_key(file)?.record(),
        (None, None) => return Err(Failure::new(code::USAGE, "no key")),
    };
    print_record(&args.place.parse()?, &record)
}

fn print_record(
    (domain, selector): &(Domain, Selector),
    record: &KeyRecord,
) -> Result<(), Failure> {
    let text = record.zone_text();
    print(format!("{selector}._domainkey.{domain}. IN TXT {text}\n").as_bytes())
}

fn place(domain: &str, selector: &str) -> Result<(Domain, Selector), Failure> {
    let domain = Domain::new(domain)
        .map_err(|e| Failure::new(code::USAGE, format_args!("--domain {domain}: {e}")))?;
    let selector = Selector::new(selector)
        .map_err(|e| Failure::new(code::USAGE, format_args!("--selector {selector}: {e}")))?;
    Ok((domain, selector))
}

fn canonicalization(text: &str) -> Result<(Canonicalization, Canonicalization), Failure> {
    let one = |word: &str| match word {
        "relaxed" => Some(Canonicalization::Relaxed),
        "simple" => Some(Canonicalization::Simple),
        _ => None,
    };
    // RFC 6376 section 3.5: one word is that of the header, the body is simple.
    let (header, body) = text.split_once('/').unwrap_or((text, "simple"));
    one(header).zip(one(body)).ok_or_else(|| {
        Failure::new(
            code::USAGE,
            format_args!(
                "--canonicalization {text}: want relaxed or simple, for instance relaxed/simple"
            ),
        )
    })
}

/// What is in a file that should be PEM; octets that are no text are for its parser to refuse.
pub(crate) fn read_pem(file: &Path) -> Result<String, Failure> {
    let octets = fs::read(file).map_err(|e| Failure::io(&file.display().to_string(), &e))?;
    Ok(String::from_utf8_lossy(&octets).into_owned())
}

fn read_key(file: &Path) -> Result<SigningKey, Failure> {
    let name = file.display().to_string();
    let pem = read_pem(file)?;
    SigningKey::from_pem(&pem).map_err(|e| Failure::new(code::CONFIG, format_args!("{name}: {e}")))
}

pub(crate) fn to_lf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len());
    for (i, &b) in message.iter().enumerate() {
        if b != b'\r' || message.get(i + 1) != Some(&b'\n') {
            out.push(b);
        }
    }
    out
}
