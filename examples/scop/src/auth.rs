//! `scop auth`: SPF, DKIM, ARC and DMARC of one message, and why.

use std::path::PathBuf;

use clap::Args;
use scop_dkim::authentication::Authentication;
use serde_json::json;

use crate::{
    arc, dkim, dmarc, dns,
    exit::{Failure, code},
    input::{Source, print},
    spf,
};

/// Check a message as a receiving server would: SPF, DKIM, ARC and DMARC
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
    /// Look up, too, whether the client's name leads back to its address (iprev)
    #[arg(long)]
    iprev: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// The message; - or nothing for standard input
    file: Option<PathBuf>,
}

pub(crate) fn run(args: &Auth) -> Result<(), Failure> {
    let now = crate::now()?;
    let mut dns = args.dns.open()?;
    let spf::Client {
        ip,
        helo,
        mail_from,
    } = &args.client;
    let message = Authentication::new(*ip, helo, mail_from, now);
    let mut message = message.with_receiver(args.authserv_id.as_deref().unwrap_or("unknown"), now);
    if args.iprev {
        message = message.with_iprev();
    }
    let mut pieces = Source::new(args.file.clone()).pieces()?;
    while let Some(piece) = pieces.next()? {
        // What is over a limit shows in the result.
        let _ = message.write(&piece);
    }
    let mut message = message.finish();
    while let Some(query) = message.next_query() {
        // An answer to a question of its own is always taken.
        let _ = message.answer(query.id, dns.answer(&query));
    }
    let undecided = || Failure::new(code::TEMPORARY, "the checks came to no verdict");
    let (spf, dmarc) = (
        message.spf().ok_or_else(undecided)?,
        message.dmarc().ok_or_else(undecided)?,
    );
    let chain = message.arc().ok_or_else(undecided)?;
    let field = args
        .authserv_id
        .as_deref()
        .map(|id| message.results(id))
        .transpose();
    let field = field.map_err(|e| Failure::new(code::USAGE, format_args!("--authserv-id: {e}")))?;

    if args.json {
        let all = json!({
            "iprev": message.iprev().map(|verdict| json!({
                "result": verdict.result.to_string(),
                "name": verdict.name,
                "claimed": verdict.claimed,
            })),
            "spf": spf::to_json(spf),
            "dkim": dkim::to_json(message.dkim()),
            "arc": arc::to_json(chain),
            "dmarc": dmarc::to_json(dmarc),
            "authentication_results": field.map(|field| field.to_string()),
        });
        print(format!("{all}\n").as_bytes())?;
    } else {
        let mut text = String::new();
        if let Some(verdict) = message.iprev() {
            text += &format!("iprev {verdict}\n");
        }
        text += &spf::to_text(spf);
        for line in dkim::to_text(message.dkim()).lines() {
            text += &format!("dkim {line}\n");
        }
        text += &(arc::to_text(chain) + &dmarc::to_text(dmarc));
        if let Some(field) = field {
            text += &field.to_string();
        }
        print(text.as_bytes())?;
    }
    dmarc::exit(dmarc)
}
