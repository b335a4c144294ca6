//! `scop dmarc check`.

use clap::{Args, Subcommand};
use scop_dkim::dmarc::{Author, Check, DmarcResult, Identifier, Verdict};
use scop_dkim::{Domain, NameError};
use serde_json::{Value, json};

use crate::{
    dns::{self, Dns},
    exit::{Failure, code},
    input::print,
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check a domain in From against what was authenticated; exit code 0 only if it passes
    ///
    /// Without --dkim and --spf it shows which policy meets mail that nobody vouches for.
    Check(CheckArgs),
}

#[derive(Args)]
pub(crate) struct CheckArgs {
    /// The domain in the From field
    #[arg(long, value_name = "DOMAIN")]
    from: String,
    /// A domain whose DKIM signature passes; may be given again
    #[arg(long, value_name = "DOMAIN")]
    dkim: Vec<String>,
    /// The domain that SPF passes
    #[arg(long, value_name = "DOMAIN")]
    spf: Option<String>,
    #[command(flatten)]
    dns: dns::From,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    let Command::Check(args) = command;
    let author = Author::of(&args.from);
    let author = author.map_err(|e| usage("--from", &args.from, e))?;
    let mut identifiers = Vec::new();
    for name in &args.dkim {
        identifiers.push(Identifier::Dkim(domain("--dkim", name)?));
    }
    if let Some(name) = &args.spf {
        identifiers.push(Identifier::Spf(domain("--spf", name)?));
    }
    let verdict = check(&author, identifiers, &mut args.dns.open()?)?;
    if args.json {
        print(format!("{}\n", to_json(&verdict)).as_bytes())?;
    } else {
        print(to_text(&verdict).as_bytes())?;
    }
    exit(&verdict)
}

/// Success only if DMARC passes.
pub(crate) fn exit(verdict: &Verdict) -> Result<(), Failure> {
    match verdict.result {
        DmarcResult::Pass => Ok(()),
        DmarcResult::TempError => Err(Failure::new(code::TEMPORARY, "DNS did not answer")),
        DmarcResult::None => Err(Failure::new(code::DATA, "no DMARC policy applies")),
        DmarcResult::Fail | DmarcResult::PermError => {
            Err(Failure::new(code::DATA, "DMARC does not pass"))
        }
    }
}

fn domain(option: &str, name: &str) -> Result<Domain, Failure> {
    Domain::from_unicode(name).map_err(|e| usage(option, name, e))
}

fn usage(option: &str, name: &str, error: NameError) -> Failure {
    Failure::new(code::USAGE, format_args!("{option} {name}: {error}"))
}

pub(crate) fn check(
    author: &Author,
    identifiers: Vec<Identifier>,
    dns: &mut Dns,
) -> Result<Verdict, Failure> {
    let mut check = Check::of(author, identifiers);
    while let Some(query) = check.next_query() {
        // An answer to a question of its own is always taken.
        let _ = check.answer(query.id, dns.answer(&query));
    }
    let verdict = check.verdict().cloned();
    verdict.ok_or_else(|| Failure::new(code::TEMPORARY, "DMARC came to no verdict"))
}

pub(crate) fn to_text(verdict: &Verdict) -> String {
    let mut text = format!("dmarc {verdict}\n  disposition: {}\n", verdict.disposition);
    if let Some(record) = &verdict.record {
        text += &format!("  record: {record}\n");
    }
    text
}

pub(crate) fn to_json(verdict: &Verdict) -> Value {
    let aligned: Vec<Value> = verdict
        .aligned
        .iter()
        .map(|aligned| {
            let by = match aligned.identifier {
                Identifier::Dkim(_) => "dkim",
                Identifier::Spf(_) => "spf",
            };
            json!({"by": by, "domain": aligned.identifier.domain().as_str(), "strictly": aligned.strictly})
        })
        .collect();
    json!({
        "result": verdict.result.to_string(),
        "reason": verdict.reason.to_string(),
        "author": verdict.author.as_ref().map(Domain::as_str),
        "oddity": verdict.oddity.map(|oddity| oddity.to_string()),
        "disposition": verdict.disposition.to_string(),
        "policy": verdict.policy.map(|policy| policy.to_string()),
        "tag": verdict.tag,
        "policy_domain": verdict.policy_domain(),
        "record": verdict.record.as_ref().map(ToString::to_string),
        "aligned": aligned,
    })
}
