//! Where a domain wants to hear that SPF failed for mail in its name: RFC 6652.
//!
//! The modifiers `ra=`, `rp=` and `rr=` of a record ask; the address is always one of the
//! domain that was checked. `rp=` is a number in the text of the RFC and a fraction in its
//! ABNF, and both are read.

use alloc::string::String;
use core::fmt;

use super::record::Record;
use super::verdict::{SpfResult, Verdict};
use crate::fold::qp_encode;
use crate::reporting::is_local_part;
use crate::tags::{decimal, qp_decode};

/// Results of which reports are wanted: `rr=` (RFC 6652 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ReportedResults {
    /// `e`: `temperror` and `permerror`.
    pub errors: bool,
    /// `f`: `fail`.
    pub fail: bool,
    /// `s`: `softfail`.
    pub softfail: bool,
    /// `n`: `neutral` and `none`.
    pub neutral: bool,
}

impl ReportedResults {
    /// `all`, which is meant where a record says nothing.
    #[must_use]
    pub const fn all() -> Self {
        ReportedResults {
            errors: true,
            fail: true,
            softfail: true,
            neutral: true,
        }
    }

    /// Those in a list of tokens; others mean nothing (section 4).
    fn parse(list: &str) -> Self {
        let has = |token: &str| list.split(':').any(|t| t.eq_ignore_ascii_case(token));
        if has("all") {
            return Self::all();
        }
        ReportedResults {
            errors: has("e"),
            fail: has("f"),
            softfail: has("s"),
            neutral: has("n"),
        }
    }

    /// Whether this is one of them; a `pass` never is.
    #[must_use]
    pub const fn has(self, result: SpfResult) -> bool {
        match result {
            SpfResult::Pass => false,
            SpfResult::TempError | SpfResult::PermError => self.errors,
            SpfResult::Fail => self.fail,
            SpfResult::SoftFail => self.softfail,
            SpfResult::Neutral | SpfResult::None => self.neutral,
        }
    }
}

/// As the value of `rr=`.
impl fmt::Display for ReportedResults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::all() {
            return f.write_str("all");
        }
        let tokens = [
            (self.errors, "e"),
            (self.fail, "f"),
            (self.softfail, "s"),
            (self.neutral, "n"),
        ];
        let mut between = "";
        for (_, token) in tokens.into_iter().filter(|(wanted, _)| *wanted) {
            write!(f, "{between}{token}")?;
            between = ":";
        }
        Ok(())
    }
}

/// What a record asks of whoever sees SPF fail: [`Record::reports`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportRequest {
    /// `ra=`: the local part of the address; the domain is the one that was checked.
    pub local_part: String,
    /// `rp=`: of how many in a hundred a report is wanted, chosen at random.
    pub percentage: u8,
    /// `rr=`: of which results.
    pub results: ReportedResults,
}

impl Record {
    /// Where and of what reports are wanted (RFC 6652 section 3); `None` without an address
    /// that a report could be sent to. A value that is malformed asks for nothing.
    ///
    /// ```
    /// use scop_dkim::spf::{Record, SpfResult};
    /// let record = Record::parse(b"v=spf1 mx -all ra=postmaster rp=10 rr=e:f")?;
    /// let request = record.reports().unwrap();
    /// assert_eq!((&*request.local_part, request.percentage), ("postmaster", 10));
    /// assert!(request.results.has(SpfResult::Fail) && !request.results.has(SpfResult::SoftFail));
    /// # Ok::<(), scop_dkim::spf::RecordError>(())
    /// ```
    #[must_use]
    pub fn reports(&self) -> Option<ReportRequest> {
        let value = |name: &str| {
            let mut all = self.unknown_modifiers();
            Some(all.find(|(n, _)| n.eq_ignore_ascii_case(name))?.1)
        };
        let local_part = decoded(value("ra")?).filter(|text| is_local_part(text))?;
        let percentage = match value("rp") {
            None => 100,
            Some(text) => percentage(text)?,
        };
        let results = value("rr").map_or(ReportedResults::all(), ReportedResults::parse);
        Some(ReportRequest {
            local_part,
            percentage,
            results,
        })
    }

    /// The same with a request for reports: `ra=`, and `rp=` and `rr=` where they say more
    /// than that all are wanted. `None` when that is no local part without quotes.
    ///
    /// ```
    /// use scop_dkim::spf::{Mechanism, Qualifier, Record, ReportedResults};
    /// let mut failures = ReportedResults::all();
    /// failures.neutral = false;
    /// let record = Record::new().pass(Mechanism::All).with_reports("spf-reports", 5, failures);
    /// assert_eq!(record.unwrap().to_string(), "v=spf1 all ra=spf-reports rp=5 rr=e:f:s");
    /// ```
    #[must_use]
    pub fn with_reports(
        self,
        local_part: &str,
        percentage: u8,
        results: ReportedResults,
    ) -> Option<Self> {
        if !is_local_part(local_part) {
            return None;
        }
        // A percent sign begins a macro (RFC 7208 section 7.1).
        let local_part = qp_encode(local_part.as_bytes()).replace('%', "=25");
        let mut record = self.with_modifier("ra", local_part);
        if percentage < 100 {
            record = record.with_modifier("rp", alloc::format!("{percentage}"));
        }
        if results != ReportedResults::all() {
            record = record.with_modifier("rr", alloc::format!("{results}"));
        }
        Some(record)
    }
}

impl Verdict {
    /// The address that wants a report of this result, and of how many such in a hundred
    /// (RFC 6652). It is one of the domain that was checked, by its own record, not one that
    /// it includes or redirects to.
    ///
    /// ```
    /// use scop_dkim::Records;
    /// use scop_dkim::spf::Check;
    /// let mut check = Check::mail_from("192.0.2.1".parse()?, "ann@example.com", "mx.test");
    /// let query = check.next_query().unwrap();
    /// check.answer(query.id, Ok(Records::txt(["v=spf1 -all ra=spf-reports"])))?;
    /// let request = check.verdict().unwrap().report().unwrap();
    /// assert_eq!(request, ("spf-reports@example.com".into(), 100));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn report(&self) -> Option<(String, u8)> {
        let (texts, at) = self.record.as_ref()?;
        let request = texts.get(*at)?.spf().ok()?.reports()?;
        let wanted = request.percentage > 0 && request.results.has(self.result);
        let address = alloc::format!("{}@{}", request.local_part, self.domain());
        wanted.then_some((address, request.percentage))
    }
}

/// `10`, or `1/10`: of a hundred, never more than was asked for.
fn percentage(text: &str) -> Option<u8> {
    let number = |text: &str| decimal(text.as_bytes(), 12);
    let percentage = match text.split_once('/') {
        None => number(text)?,
        Some((part, whole)) => (number(part)? * 100).checked_div(number(whole)?)?,
    };
    u8::try_from(percentage).ok().filter(|n| *n <= 100)
}

/// Quoted-printable without soft breaks (RFC 2045 section 6.7).
fn decoded(text: &str) -> Option<String> {
    let bytes = qp_decode(text.as_bytes())?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(record: &str) -> Option<(String, u8, String)> {
        let request = Record::parse(record.as_bytes()).unwrap().reports()?;
        let results = alloc::format!("{}", request.results);
        Some((request.local_part, request.percentage, results))
    }

    #[test]
    fn rfc6652_3_modifiers() {
        let some = |local: &str, n, results: &str| Some((local.into(), n, results.into()));
        for (record, expected) in [
            ("v=spf1 -all", None),
            // Without an address the others mean nothing.
            ("v=spf1 -all rp=10 rr=f", None),
            ("v=spf1 ra=postmaster -all", some("postmaster", 100, "all")),
            ("v=spf1 -all RA=a=2Bb rr=S:x:f", some("a+b", 100, "f:s")),
            ("v=spf1 -all ra=a rp=1/3 rr=n", some("a", 33, "n")),
            ("v=spf1 -all ra=a rp=0", some("a", 0, "all")),
            ("v=spf1 -all ra=a rr=q", some("a", 100, "")),
            ("v=spf1 -all ra=a rp=101", None),
            ("v=spf1 -all ra=a rp=1/0", None),
            ("v=spf1 -all ra=a rp=", None),
            ("v=spf1 -all ra=a rp=9999999999999", None),
            ("v=spf1 -all ra=", None),
            ("v=spf1 -all ra=a=0D=0Ab", None),
            ("v=spf1 -all ra=a@b.test", None),
            ("v=spf1 -all ra=a=2", None),
        ] {
            assert_eq!(asked(record), expected, "{record}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let all = ReportedResults::all();
        let few = ReportedResults {
            neutral: false,
            ..all
        };
        for (local, percentage, results) in [
            ("a", 100, all),
            ("a+b.c=d", 7, few),
            ("50%{off}", 0, all),
            ("caf\u{e9}", 1, few),
        ] {
            let record = Record::new().with_reports(local, percentage, results);
            let text = alloc::format!("{}", record.unwrap());
            let read = Record::parse(text.as_bytes()).unwrap().reports().unwrap();
            let expected = (local, percentage, results);
            assert_eq!((&*read.local_part, read.percentage, read.results), expected);
        }
        for bad in ["", "a b", "a@b", "a\r\nb", "\"a\""] {
            assert!(Record::new().with_reports(bad, 1, all).is_none(), "{bad:?}");
        }
    }
}
