//! Mails that carry reports (RFC 9990 section 3.5.2, RFC 8460 section 5.3).

use alloc::string::String;

use scop_mime::DateTime;
use scop_mime::build::{BuildError, Builder, Field, Mailbox, Part, Returned};

use super::{AggregateReport, TlsReport, file_name, pack, subject};
use crate::name::Domain;

impl AggregateReport {
    /// The mail that carries the report, gzipped: `to` and a Message-ID are the caller's to
    /// add, and a DKIM signature of the domain of `from`, since such mail must pass DMARC.
    /// `submitter` is the domain that reports.
    ///
    /// ```
    /// use scop_dkim::report::{AggregateReport, Limits};
    /// use scop_mime::build::Mailbox;
    /// use scop_mime::{DateTime, Message};
    /// # let xml = include_bytes!("../../tests/fixtures/report-rfc9990.xml");
    /// # let (report, _) = AggregateReport::from_xml(xml, &Limits::default())?;
    ///
    /// let from = Mailbox::new("dmarc-noreply@mail.receiver.example")?;
    /// let now = DateTime::from_unix(1_700_000_000, 0).unwrap();
    /// let mail = report.mail(from, now, &"mail.receiver.example".parse()?)?;
    /// let mail = mail.to(Mailbox::new("dmarc@example.com")?).build().to_vec();
    /// let message = Message::parse(&mail);
    /// assert_eq!(
    ///     message.header().subject().unwrap(),
    ///     "Report Domain: example.com Submitter: mail.receiver.example \
    ///      Report-ID: <3v98abbp8ya9n3va8yr8oa3ya>"
    /// );
    /// assert_eq!(
    ///     message.attachments().next().unwrap().filename().unwrap(),
    ///     "mail.receiver.example!example.com!302832000!302918399.xml.gz"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BuildError::Token`] when the report's policy domain or id is none that a Subject
    /// can carry (RFC 9990 sections 3.5.1 and 3.5.2).
    pub fn mail(
        &self,
        from: Mailbox,
        date: DateTime,
        submitter: &Domain,
    ) -> Result<Builder, BuildError> {
        let domain = domain(&self.policy.domain)?;
        let id = report_id(&self.metadata.report_id)?;
        let name = file_name(submitter, &domain, self.metadata.begin, self.metadata.end);
        let report = Part::data("application/gzip", pack(&self.to_xml()))?;
        Ok(Builder::new(from, date)
            .subject(subject(&domain, submitter, id))?
            .text(alloc::format!(
                "This is a DMARC aggregate report for {domain}\nfrom {submitter}.\n"
            ))
            .attach(report.attached().file_name(&name)?))
    }
}

impl TlsReport {
    /// The mail that carries the report about its policies of `policy_domain`, gzipped: `to`
    /// and a Message-ID are the caller's to add, and a DKIM signature, which must cover the
    /// TLS-Report fields too. `submitter` is the domain of [`contact`](Self::contact).
    ///
    /// # Errors
    /// [`BuildError::Token`] when the report's id is none that a Subject can carry.
    pub fn mail(
        &self,
        from: Mailbox,
        date: DateTime,
        policy_domain: &Domain,
        submitter: &Domain,
    ) -> Result<Builder, BuildError> {
        let id = self.report_id.as_str();
        // In a Subject it has two halves.
        let id = match id.contains('@') {
            true => String::from(report_id(id)?),
            false => alloc::format!("{}@{submitter}", report_id(id)?),
        };
        let name = alloc::format!(
            "{submitter}!{policy_domain}!{}!{}.json.gz",
            self.begin,
            self.end
        );
        let report = Part::data("application/tlsrpt+gzip", pack(&self.to_json()))?;
        let report = report.attached().file_name(&name)?;
        let human = Part::text(alloc::format!(
            "This is an aggregate TLS report from {submitter}.\n"
        ));
        Builder::new(from, date)
            .subject(subject(policy_domain, submitter, &id))?
            .body(Part::report(human, report, Returned::Nothing)?)
            .field(Field::text("TLS-Report-Domain", policy_domain.as_str())?)?
            .field(Field::text("TLS-Report-Submitter", submitter.as_str())?)
    }
}

fn domain(text: &str) -> Result<Domain, BuildError> {
    Domain::new(text).map_err(|_| BuildError::Token("the domain of a policy (RFC 6376 3.5)"))
}

/// Dots and atoms, with another such behind an `@` (RFC 9990 section 3.5.1).
fn report_id(text: &str) -> Result<&str, BuildError> {
    let is_atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    let is_atoms = |text: &str| {
        let mut atoms = text.split('.');
        atoms.all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
    };
    let inner = text
        .strip_prefix('<')
        .and_then(|t| t.strip_suffix('>'))
        .unwrap_or(text);
    let mut halves = inner.split('@');
    match halves.clone().count() {
        1 | 2 if halves.all(is_atoms) => Ok(inner),
        _ => Err(BuildError::Token(
            "a report id of atoms and dots (RFC 9990 3.5.1)",
        )),
    }
}
