//! `scop spf check`.

use std::net::IpAddr;

use clap::{Args, Subcommand};
use scop_dkim::spf::{Check, ReceivedSpf, SpfResult, Verdict};
use serde_json::{Value, json};

use crate::{
    dns::{self, Dns},
    exit::{Failure, code},
    input::print,
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check whether a host may send mail for a domain; exit code 0 only if it may
    Check(CheckArgs),
}

#[derive(Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    client: Client,
    #[command(flatten)]
    dns: dns::From,
    /// Print a Received-SPF field of this host behind the verdict
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    received_by: Option<String>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Who sent the message, and as whom.
#[derive(Args)]
pub(crate) struct Client {
    /// The address of the host that sends
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) ip: IpAddr,
    /// The name it gave in EHLO or HELO
    #[arg(long, value_name = "NAME")]
    pub(crate) helo: String,
    /// The reverse-path in MAIL FROM; empty or left out for none: HELO is checked then
    #[arg(long, value_name = "ADDRESS", default_value = "")]
    pub(crate) mail_from: String,
}

impl Client {
    fn check(&self, dns: &mut Dns, now: u64) -> Result<Verdict, Failure> {
        let check = match self.mail_from.as_str() {
            "" => Check::helo(self.ip, &self.helo),
            from => Check::mail_from(self.ip, from, &self.helo),
        };
        let mut check = check.with_receiver("unknown", now);
        while let Some(query) = check.next_query() {
            // An answer to a question of its own is always taken.
            let _ = check.answer(query.id, dns.answer(&query));
        }
        let verdict = check.verdict().cloned();
        verdict.ok_or_else(|| Failure::new(code::TEMPORARY, "SPF came to no verdict"))
    }
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    let Command::Check(args) = command;
    let verdict = args.client.check(&mut args.dns.open()?, crate::now()?)?;
    let received = args.received_by.as_deref();
    let received = received.map(|receiver| ReceivedSpf::new(&verdict, receiver).to_string());
    if args.json {
        print(format!("{}\n", to_json(&verdict)).as_bytes())?;
    } else {
        print((to_text(&verdict) + &received.unwrap_or_default()).as_bytes())?;
    }
    match verdict.result {
        SpfResult::Pass => Ok(()),
        SpfResult::TempError => Err(Failure::new(code::TEMPORARY, "DNS did not answer")),
        _ => Err(Failure::new(code::DATA, "SPF does not pass")),
    }
}

pub(crate) fn to_text(verdict: &Verdict) -> String {
    let cost = verdict.cost;
    let mut text = format!(
        "spf {verdict}\n  {} lookups, {} void, {} names asked for\n",
        cost.lookups, cost.voids, cost.queries
    );
    if let Some(bits) = verdict
        .matched()
        .next_back()
        .and_then(|matched| matched.prefix)
    {
        text += &format!("  {bits} bits of the address were compared\n");
    }
    if let Some(explanation) = &verdict.explanation {
        text += &format!("  the domain explains: {explanation}\n");
    }
    text
}

pub(crate) fn to_json(verdict: &Verdict) -> Value {
    let matched: Vec<Value> = verdict
        .matched()
        .map(|m| json!({"domain": m.domain, "directive": m.directive.to_string(), "prefix": m.prefix}))
        .collect();
    json!({
        "result": verdict.result.to_string(),
        "reason": verdict.reason.to_string(),
        "identity": verdict.identity.to_string(),
        "domain": verdict.domain(),
        "record": verdict.record(),
        "matched": matched,
        "explanation": verdict.explanation,
        "cost": {
            "lookups": verdict.cost.lookups,
            "voids": verdict.cost.voids,
            "queries": verdict.cost.queries,
        },
    })
}
