//! `scop report show`.

use clap::{Args, Subcommand};
use scop_dkim::report::{AggregateReport, Limits, unpack};
use serde_json::json;
use std::{io::Read as _, path::PathBuf};

use crate::{
    exit::{Failure, code},
    input::{Source, print},
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show a DMARC aggregate report: XML, gzip or zip
    Show(Show),
}

#[derive(Args)]
pub(crate) struct Show {
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// The report; - or nothing for standard input
    file: Option<PathBuf>,
}

pub(crate) fn run(command: Command) -> Result<(), Failure> {
    let Command::Show(args) = command;
    let source = Source::new(args.file);
    let name = source.name();
    let bad = |e: &dyn std::fmt::Display| Failure::new(code::DATA, format_args!("{name}: {e}"));
    let limits = Limits::default();
    let mut attachment = Vec::new();
    source
        .open()?
        .read_to_end(&mut attachment)
        .map_err(|e| Failure::io(&name, &e))?;
    let xml = unpack(&attachment, &limits).map_err(|e| bad(&e))?;
    let (report, defects) = AggregateReport::from_xml(&xml, &limits).map_err(|e| bad(&e))?;
    let text = match args.json {
        true => format!("{}\n", to_json(&report)),
        false => to_text(&report),
    };
    print(text.as_bytes())?;
    for defect in defects {
        eprintln!("scop: {name}: {defect}");
    }
    Ok(())
}

fn to_text(report: &AggregateReport) -> String {
    let (metadata, policy) = (&report.metadata, &report.policy);
    let mut text = format!(
        "report {} of {} about {}\nfrom {} to {} (seconds since 1970)\npolicy p={}",
        printable(&metadata.report_id),
        printable(&metadata.org_name),
        printable(&policy.domain),
        metadata.begin,
        metadata.end,
        printable(&policy.p),
    );
    for (tag, value) in [
        ("sp", &policy.sp),
        ("np", &policy.np),
        ("adkim", &policy.adkim),
        ("aspf", &policy.aspf),
    ] {
        if let Some(value) = value {
            text += &format!(" {tag}={}", printable(value));
        }
    }
    text += "\n\n   count  disposition  dkim  spf   client                   author domain\n";
    let word = |aligned| if aligned { "pass" } else { "fail" };
    for row in &report.rows {
        text += &format!(
            "{:>8}  {:<11}  {:<4}  {:<4}  {:<24} {}\n",
            row.count,
            printable(&row.disposition.to_string()),
            word(row.dkim_aligned),
            word(row.spf_aligned),
            row.source_ip.to_string(),
            printable(&row.header_from),
        );
    }
    let total: u128 = report.rows.iter().map(|row| u128::from(row.count)).sum();
    text + &format!("{total:>8}  messages in {} rows\n", report.rows.len())
}

/// A stranger's text, for a terminal.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '?' } else { c };
    text.chars().map(shown).collect()
}

fn to_json(report: &AggregateReport) -> serde_json::Value {
    let rows: Vec<_> = report
        .rows
        .iter()
        .map(|row| {
            let dkim: Vec<_> = row
                .dkim
                .iter()
                .map(|d| json!({"domain": d.domain, "selector": d.selector, "result": d.result}))
                .collect();
            json!({
                "source_ip": row.source_ip.to_string(),
                "count": row.count,
                "disposition": row.disposition.to_string(),
                "dkim_aligned": row.dkim_aligned,
                "spf_aligned": row.spf_aligned,
                "reasons": row.reasons.iter().map(|r| &r.kind).collect::<Vec<_>>(),
                "header_from": row.header_from,
                "envelope_from": row.envelope_from,
                "dkim": dkim,
                "spf": row.spf.as_ref().map(|s| json!({"domain": s.domain, "result": s.result})),
            })
        })
        .collect();
    json!({
        "org_name": report.metadata.org_name,
        "report_id": report.metadata.report_id,
        "begin": report.metadata.begin,
        "end": report.metadata.end,
        "domain": report.policy.domain,
        "p": report.policy.p,
        "rows": rows,
    })
}
