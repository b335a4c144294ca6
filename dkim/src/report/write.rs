//! Reports as XML (RFC 9990 section 3.1.1 and its schema).

use alloc::string::{String, ToString as _};
use core::fmt::Write as _;

use quick_xml::escape::escape;

use super::{AggregateReport, Metadata, PublishedPolicy, Row};

impl AggregateReport {
    /// The report as an XML document of the schema `dmarc-2.0`, in its order of elements.
    /// Characters that XML cannot hold become U+FFFD.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut out = Writer::default();
        out.text
            .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        out.text
            .push_str("<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n");
        out.depth = 1;
        out.leaf("version", "1.0");
        out.branch("report_metadata", |out| metadata(out, &self.metadata));
        out.branch("policy_published", |out| policy(out, &self.policy));
        for row in &self.rows {
            out.branch("record", |out| record(out, row));
        }
        out.text.push_str("</feedback>\n");
        out.text
    }
}

fn metadata(out: &mut Writer, metadata: &Metadata) {
    out.leaf("org_name", &metadata.org_name);
    out.leaf("email", &metadata.email);
    out.maybe("extra_contact_info", metadata.extra_contact_info.as_ref());
    out.leaf("report_id", &metadata.report_id);
    out.branch("date_range", |out| {
        out.leaf("begin", &metadata.begin.to_string());
        out.leaf("end", &metadata.end.to_string());
    });
    // The schema has one.
    if !metadata.errors.is_empty() {
        out.leaf("error", &metadata.errors.join("; "));
    }
    out.maybe("generator", metadata.generator.as_ref());
}

fn policy(out: &mut Writer, policy: &PublishedPolicy) {
    out.leaf("domain", &policy.domain);
    out.maybe("discovery_method", policy.discovery_method.as_ref());
    out.leaf("p", &policy.p);
    out.maybe("sp", policy.sp.as_ref());
    out.maybe("np", policy.np.as_ref());
    out.maybe("fo", policy.fo.as_ref());
    out.maybe("adkim", policy.adkim.as_ref());
    out.maybe("aspf", policy.aspf.as_ref());
    out.maybe("testing", policy.testing.as_ref());
}

fn record(out: &mut Writer, row: &Row) {
    let result = |aligned| if aligned { "pass" } else { "fail" };
    out.branch("row", |out| {
        out.leaf("source_ip", &row.source_ip.to_string());
        out.leaf("count", &row.count.to_string());
        out.branch("policy_evaluated", |out| {
            out.leaf("disposition", &row.disposition.to_string());
            out.leaf("dkim", result(row.dkim_aligned));
            out.leaf("spf", result(row.spf_aligned));
            for reason in &row.reasons {
                out.branch("reason", |out| {
                    out.leaf("type", &reason.kind);
                    out.maybe("comment", reason.comment.as_ref());
                });
            }
        });
    });
    out.branch("identifiers", |out| {
        out.maybe("envelope_to", row.envelope_to.as_ref());
        out.maybe("envelope_from", row.envelope_from.as_ref());
        out.leaf("header_from", &row.header_from);
    });
    out.branch("auth_results", |out| {
        for dkim in &row.dkim {
            out.branch("dkim", |out| {
                out.leaf("domain", &dkim.domain);
                out.maybe("selector", dkim.selector.as_ref());
                out.leaf("result", &dkim.result);
                out.maybe("human_result", dkim.human_result.as_ref());
            });
        }
        if let Some(spf) = &row.spf {
            out.branch("spf", |out| {
                out.leaf("domain", &spf.domain);
                out.maybe("scope", spf.scope.as_ref());
                out.leaf("result", &spf.result);
                out.maybe("human_result", spf.human_result.as_ref());
            });
        }
    });
}

/// The text, with U+FFFD in place of what XML cannot hold (XML 1.0 section 2.2), or not as
/// it is: a CR.
pub(super) fn chars_of_xml(text: &str) -> String {
    let is_char =
        |c: char| c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}' || matches!(c, '\t' | '\n');
    let chars = text
        .chars()
        .map(|c| if is_char(c) { c } else { '\u{fffd}' });
    chars.collect()
}

#[derive(Default)]
struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    fn branch(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        let indent = 2 * self.depth;
        let _ = writeln!(self.text, "{:indent$}<{name}>", "");
        self.depth += 1;
        inner(self);
        self.depth -= 1;
        let _ = writeln!(self.text, "{:indent$}</{name}>", "");
    }

    fn leaf(&mut self, name: &str, value: &str) {
        let value = chars_of_xml(value);
        let indent = 2 * self.depth;
        let _ = writeln!(
            self.text,
            "{:indent$}<{name}>{}</{name}>",
            "",
            escape(&value)
        );
    }

    fn maybe(&mut self, name: &str, value: Option<&String>) {
        if let Some(value) = value {
            self.leaf(name, value);
        }
    }
}
