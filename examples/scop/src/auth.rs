//! `scop auth`: SPF, DKIM and DMARC of one message, and why.

use std::path::PathBuf;

use clap::Args;
use scop_dkim::dmarc::{Author, Identifier};
use scop_dkim::spf::SpfResult;
use scop_dkim::{
    AuthenticationResults, DkimResult, Domain, Limits, Outcome, Policy, Verification, Verifier,
};
use serde_json::json;

use crate::{
    dmarc, dns,
    exit::{Failure, code},
    input::{Source, print},
    spf,
};

/// Check a message as a receiving server would: SPF, DKIM and DMARC
///
/// Exit code 0 only if DMARC passes.
#[derive(Args)]
pub(crate) struct Auth {
    #[command(flatten)]
    client: spf::Client,
    #[command(flatten)]
    dns: dns::From,
    /// Print an Authentication-Results field of this authserv-id behind the verdicts
    #[arg(long, value_name = "NAME")]
    authserv_id: Option<String>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// The message; - or nothing for standard input
    file: Option<PathBuf>,
}

/// What of the message is kept to find its author: a header of the default limit.
const HEADER: usize = 1 << 20;

pub(crate) fn run(args: &Auth) -> Result<(), Failure> {
    let now = crate::now()?;
    let mut dns = args.dns.open()?;
    let field = args.authserv_id.as_deref().map(AuthenticationResults::new);
    let field = field.transpose();
    let field = field.map_err(|e| Failure::new(code::USAGE, format_args!("--authserv-id: {e}")))?;

    let mut verifier = Verifier::new(Policy::default(), Limits::default(), now);
    let mut header = Vec::new();
    let mut pieces = Source::new(args.file.clone()).pieces()?;
    while let Some(piece) = pieces.next()? {
        let room = HEADER.saturating_sub(header.len()).min(piece.len());
        header.extend_from_slice(&piece[..room]);
        // What is over a limit shows in the result.
        let _ = verifier.write(&piece);
    }
    let mut signatures = verifier.finish();
    while let Some(query) = signatures.next_query() {
        let _ = signatures.answer(query.id, dns.answer(&query));
    }
    let spf = args.client.check(&mut dns, now)?;
    let mut identifiers = passed(signatures.outcomes());
    if spf.result == SpfResult::Pass
        && let Ok(domain) = Domain::new(&spf.domain)
    {
        identifiers.push(Identifier::Spf(domain));
    }
    let dmarc = dmarc::check(&Author::read(&header), identifiers, &mut dns)?;

    if args.json {
        let outcomes: Vec<_> = signatures.outcomes().iter().map(to_json).collect();
        let dmarc = dmarc::to_json(&dmarc);
        let all = json!({"spf": spf::to_json(&spf), "dkim": outcomes, "dmarc": dmarc});
        print(format!("{all}\n").as_bytes())?;
    } else {
        let text = spf::to_text(&spf) + &of_signatures(&signatures) + &dmarc::to_text(&dmarc);
        print(text.as_bytes())?;
    }
    if let Some(field) = field {
        let mut field = field.spf(&spf);
        for outcome in signatures.outcomes() {
            field = field.dkim(outcome);
        }
        field = field.dmarc(&dmarc);
        print(field.to_string().as_bytes())?;
    }
    dmarc::exit(&dmarc)
}

/// Domains whose signatures pass.
fn passed(outcomes: &[Outcome]) -> Vec<Identifier> {
    let passed = outcomes.iter().filter(|o| o.result() == DkimResult::Pass);
    let domains = passed.filter_map(|outcome| outcome.domain.clone());
    domains.map(Identifier::Dkim).collect()
}

fn of_signatures(signatures: &Verification) -> String {
    let mut text: String = signatures
        .outcomes()
        .iter()
        .map(|outcome| format!("dkim {outcome}\n"))
        .collect();
    if signatures.outcomes().is_empty() {
        text += "dkim none: the message is not signed\n";
    }
    if let Some(limit) = signatures.limit() {
        text += &format!("dkim permerror: {limit}\n");
    }
    if signatures.skipped() > 0 {
        text += &format!(
            "dkim: {} more signatures were not looked at\n",
            signatures.skipped()
        );
    }
    text
}

fn to_json(outcome: &Outcome) -> serde_json::Value {
    json!({
        "result": outcome.result().to_string(),
        "reason": outcome.reason.to_string(),
        "domain": outcome.domain.as_ref().map(Domain::as_str),
        "selector": outcome.selector.as_ref().map(ToString::to_string),
        "key_bits": outcome.key_bits(),
    })
}
