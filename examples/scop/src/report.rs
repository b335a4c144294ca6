//! `scop report show`.

use std::fmt::Write as _;
use std::{io::Read as _, path::PathBuf};

use clap::{Args, Subcommand};
use scop_dkim::report::{AggregateReport, Limits, Received, TlsReport};
use scop_mime::DateTime;
use scop_mime::report::{FeedbackReport, Line};
use serde_json::{Value, json};

use crate::{
    exit::{Failure, code},
    input::{Source, print},
    mime::printable,
};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show a report: of DMARC (XML), of TLS (JSON), both also in gzip or zip; of one message
    /// that failed (RFC 6591); or a mail that carries one of them
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
    let limits = Limits::default();
    let mut file = Vec::new();
    let most = limits.bytes as u64;
    let bytes = source.open()?.take(most + 1).read_to_end(&mut file);
    bytes.map_err(|e| Failure::io(&name, &e))?;
    let shown = Received::read(&file, &limits)
        .map_err(|problem| Failure::new(code::DATA, format_args!("{name}: {problem}")))?;
    let text = match (&shown, args.json) {
        (Received::Aggregate(report, _), true) => format!("{}\n", aggregate_json(report)),
        (Received::Aggregate(report, _), false) => aggregate_text(report),
        (Received::Tls(report, _), true) => format!("{}\n", report.to_json()),
        (Received::Tls(report, _), false) => tls_text(report),
        (Received::Failure(report), true) => format!("{}\n", failure_json(report)),
        (Received::Failure(report), false) => failure_text(report),
    };
    print(text.as_bytes())?;
    match &shown {
        Received::Aggregate(_, defects) | Received::Tls(_, defects) => {
            defects
                .iter()
                .for_each(|defect| crate::exit::tell(format_args!("scop: {name}: {defect}")));
        }
        Received::Failure(report) => {
            report
                .defects
                .iter()
                .for_each(|defect| crate::exit::tell(format_args!("scop: {name}: {defect}")));
        }
    }
    Ok(())
}

/// A time that people can read.
fn date(seconds: u64) -> String {
    let time = i64::try_from(seconds)
        .ok()
        .and_then(|s| DateTime::from_unix(s, 0));
    time.map_or_else(|| seconds.to_string(), |time| time.to_rfc5322())
}

fn aggregate_text(report: &AggregateReport) -> String {
    let (metadata, policy) = (&report.metadata, &report.policy);
    let mut text = format!(
        "report {} of {} about {}\nfrom {} to {}\npolicy p={}",
        printable(&metadata.report_id),
        printable(&metadata.org_name),
        printable(&policy.domain),
        date(metadata.begin),
        date(metadata.end),
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

fn tls_text(report: &TlsReport) -> String {
    let mut text = format!(
        "report {} of {} about TLS\nfrom {} to {}\n",
        printable(&report.report_id),
        printable(&report.organization),
        date(report.begin),
        date(report.end),
    );
    for policy in &report.policies {
        let _ = writeln!(
            text,
            "\n{} of {}: {} sessions went well, {} failed",
            printable(policy.kind.as_str()),
            printable(&policy.domain),
            policy.successful,
            policy.failed
        );
        for failure in &policy.failures {
            let host = failure.receiving_host.as_deref().unwrap_or("-");
            let _ = write!(
                text,
                "{:>8}  {:<28} {}",
                failure.count,
                printable(failure.result.as_str()),
                printable(host)
            );
            if let Some(reason) = &failure.reason {
                let _ = write!(text, " ({})", printable(reason));
            }
            text.push('\n');
        }
    }
    text
}

/// Fields of a failure report that are shown, by their names.
fn failure_fields(report: &FeedbackReport) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    let mut add = |name, value: Option<String>| fields.extend(value.map(|value| (name, value)));
    let line = |line: &Option<Line>| line.as_ref().map(|line| line.as_str().to_owned());
    let lines = |lines: &[Line]| {
        let all: Vec<&str> = lines.iter().map(Line::as_str).collect();
        (!all.is_empty()).then(|| all.join(", "))
    };
    add(
        "Feedback-Type",
        report.feedback_type.as_ref().map(ToString::to_string),
    );
    add(
        "Auth-Failure",
        report.auth_failure.as_ref().map(ToString::to_string),
    );
    add("Identity-Alignment", lines(&report.identity_alignment));
    add("Reported-Domain", lines(&report.reported_domain));
    add("Source-IP", report.source_ip.map(|ip| ip.to_string()));
    add("Original-Mail-From", line(&report.original_mail_from));
    add("Original-Rcpt-To", lines(&report.original_rcpt_to));
    add(
        "Arrival-Date",
        report.arrival_date.map(|date| date.to_rfc5322()),
    );
    add(
        "Incidents",
        report.incidents.map(|incidents| incidents.to_string()),
    );
    add(
        "Delivery-Result",
        report.delivery_result.as_ref().map(ToString::to_string),
    );
    add("DKIM-Domain", line(&report.dkim_domain));
    add("DKIM-Selector", line(&report.dkim_selector));
    add("DKIM-Identity", line(&report.dkim_identity));
    for record in &report.spf_dns {
        add("SPF-DNS", Some(record.to_string()));
    }
    add(
        "Authentication-Results",
        lines(&report.authentication_results),
    );
    add("User-Agent", line(&report.user_agent));
    fields
}

fn failure_text(report: &FeedbackReport) -> String {
    let fields = failure_fields(report).into_iter();
    fields
        .map(|(name, value)| format!("{name}: {}\n", printable(&value)))
        .collect()
}

fn failure_json(report: &FeedbackReport) -> Value {
    let fields = failure_fields(report).into_iter();
    fields
        .map(|(name, value)| (name.to_lowercase().replace('-', "_"), Value::from(value)))
        .collect()
}

fn aggregate_json(report: &AggregateReport) -> Value {
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
