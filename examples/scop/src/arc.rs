//! `scop arc seal|verify`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ring::rand::SystemRandom;
use scop_dkim::arc::{Chain, ChainStatus, Handler, SealError, Sealer, Validator};
use scop_dkim::{AuthenticationResults, Limits, MethodResult, Policy};

use serde_json::{Value, json};

use crate::{
    dkim::{Key, to_lf},
    dns,
    exit::{Failure, code},
    input::{LineEnds, Source, print},
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Validate the chain of a message: exit code 0 only if it passes
    Verify(Verify),
    /// Put a set on top of a message that says how its chain validates here
    ///
    /// The message goes to standard output. It is validated first, so its keys are asked for.
    Seal(Seal),
}

#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    dns: dns::From,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// The message; - or nothing for standard input
    file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Seal {
    #[command(flatten)]
    key: Key,
    /// The name of this administrative domain in the results
    #[arg(long, value_name = "NAME")]
    authserv_id: String,
    #[command(flatten)]
    dns: dns::From,
    /// The message; - or nothing for standard input
    file: Option<PathBuf>,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Verify(args) => verify(&args),
        Command::Seal(args) => seal(&args),
    }
}

/// The chain of a message that is given in pieces by `next`.
fn validate(
    dns: &dns::From,
    mut next: impl FnMut() -> Result<Option<bytes::Bytes>, Failure>,
) -> Result<Chain, Failure> {
    let mut validator = Validator::new(Policy::default(), Limits::default(), crate::now()?);
    while let Some(piece) = next()? {
        // What is over a limit shows in the chain.
        let _ = validator.write(&piece);
    }
    let mut dns = dns.open()?;
    let mut validation = validator.finish();
    while let Some(query) = validation.next_query() {
        // An answer to a question of its own is always taken.
        let _ = validation.answer(query.id, dns.answer(&query));
    }
    let chain = validation.chain().cloned();
    chain.ok_or_else(|| Failure::new(code::TEMPORARY, "ARC came to no verdict"))
}

fn verify(args: &Verify) -> Result<(), Failure> {
    let mut pieces = Source::new(args.file.clone()).pieces()?;
    let chain = validate(&args.dns, || pieces.next())?;
    let text = match args.json {
        true => format!("{}\n", to_json(&chain)),
        false => to_text(&chain),
    };
    print(text.as_bytes())?;
    match chain.status {
        ChainStatus::Pass => Ok(()),
        ChainStatus::None => Err(Failure::new(code::DATA, "the message has no ARC chain")),
        ChainStatus::Fail => Err(Failure::new(code::DATA, "the ARC chain does not pass")),
    }
}

pub(crate) fn to_text(chain: &Chain) -> String {
    let mut text = format!("arc {chain}\n");
    for (at, handler) in chain.handlers.iter().enumerate() {
        let instance = at + 1;
        text += &format!(
            "  i={instance} {}: seal {}; message {}\n",
            handler.domain, handler.seal, handler.message
        );
    }
    text
}

pub(crate) fn to_json(chain: &Chain) -> Value {
    let handler = |handler: &Handler| {
        json!({
            "domain": handler.domain.as_str(),
            "seal": handler.seal.to_string(),
            "message": handler.message.to_string(),
            "covers_from": handler.covers_from,
            "results": String::from_utf8_lossy(&handler.results),
        })
    };
    json!({
        "result": chain.status.to_string(),
        "reason": chain.reason.to_string(),
        "oldest_pass": chain.oldest_pass,
        "handlers": chain.handlers.iter().map(handler).collect::<Vec<_>>(),
    })
}

fn seal(args: &Seal) -> Result<(), Failure> {
    let (domain, selector, key) = args.key.read()?;
    let usage = |e: scop_dkim::NotAKeyword| {
        Failure::new(
            code::USAGE,
            format_args!("--authserv-id {}: {e}", args.authserv_id),
        )
    };
    let results = AuthenticationResults::new(&args.authserv_id).map_err(usage)?;
    // The fields stand above what they sign, so the message is kept.
    let mut message = Vec::new();
    let mut pieces = Source::new(args.file.clone()).pieces()?;
    let chain = validate(&args.dns, || {
        let piece = pieces.next()?;
        message.extend_from_slice(piece.as_deref().unwrap_or_default());
        Ok(piece)
    })?;
    let arc = MethodResult::new("arc", &chain.status.to_string()).map_err(usage)?;
    let results = results.with(arc);
    let bad = |e: SealError| Failure::new(code::DATA, e);
    let mut sealing =
        Sealer::new(domain, selector, key).start(crate::now()?, chain.status, &results);
    sealing.write(&message).map_err(bad)?;
    let mut sealed = sealing
        .finish(&SystemRandom::new())
        .map_err(bad)?
        .into_bytes();
    sealed.append(&mut message);
    if pieces.line_ends() == LineEnds::Lf {
        sealed = to_lf(&sealed);
    }
    print(&sealed)
}
