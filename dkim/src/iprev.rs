//! Whether a client's name leads back to its address: `iprev` (RFC 8601 section 3).
//!
//! The names that the PTR records of the address give are looked up; one of them must have
//! the address. It says nothing about a message, and many honest clients fail it.
//!
//! ```
//! use scop_dkim::iprev::{Check, IprevResult};
//! use scop_dkim::{AuthenticationResults, DnsError, Query, RecordKind, Records};
//!
//! # fn resolve(query: &Query) -> Result<Records, DnsError> {
//! #     match (&*query.name, query.kind) {
//! #         ("7.2.0.192.in-addr.arpa", RecordKind::Ptr) => Ok(Records::Ptr(vec!["mx.example.com.".to_owned()].into())),
//! #         ("mx.example.com", RecordKind::A) => Ok(Records::A(["192.0.2.7".parse().unwrap()].into())),
//! #         _ => Err(DnsError::NotFound),
//! #     }
//! # }
//! let mut check = Check::new("192.0.2.7".parse()?);
//! while let Some(query) = check.next_query() {
//!     check.answer(query.id, resolve(&query))?; // PTR, then A or AAAA
//! }
//! let verdict = check.verdict().unwrap();
//! assert_eq!((verdict.result, verdict.name.as_deref()), (IprevResult::Pass, Some("mx.example.com")));
//! assert_eq!(
//!     AuthenticationResults::new("mx.example.org")?.iprev(verdict).to_string(),
//!     "Authentication-Results: mx.example.org;\r\n iprev=pass policy.iprev=192.0.2.7\r\n"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Authentication::with_iprev`](crate::authentication::Authentication::with_iprev) does it
//! with everything else.

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use crate::query::{Answers, DnsError, Misuse, Query, QueryId, RecordKind, Records};
use crate::spf::{is_name, reverse_name, without_dot};

/// The result of a check (RFC 8601 section 2.7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IprevResult {
    /// One of its names has the address.
    Pass,
    /// None has.
    Fail,
    /// DNS failed; another try may succeed.
    TempError,
    /// The address has no name.
    PermError,
}

impl fmt::Display for IprevResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IprevResult::Pass => "pass",
            IprevResult::Fail => "fail",
            IprevResult::TempError => "temperror",
            IprevResult::PermError => "permerror",
        })
    }
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// What to act on.
    pub result: IprevResult,
    /// The client, an IPv4 address as such.
    pub client: IpAddr,
    /// The first of its names that has the address: the one to log. `None` unless it passed.
    pub name: Option<String>,
    /// All names that the address claims, [`Check::MOST`] at most, without final dots: what
    /// whoever owns the address wrote, checked only for what DNS can be asked.
    pub claimed: Vec<String>,
}

/// One line: result, address, why.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict { result, client, .. } = self;
        match &self.name {
            Some(name) => write!(f, "{result} {client}: {name} has this address"),
            None => write!(f, "{result} {client}: {}", self.reason()),
        }
    }
}

impl Verdict {
    /// Why it did not pass.
    pub(crate) fn reason(&self) -> &'static str {
        match self.result {
            IprevResult::Pass => "a name of the address has it",
            IprevResult::Fail => "no name of the address leads back to it (RFC 8601 section 3)",
            IprevResult::TempError => "DNS gave no usable answer",
            IprevResult::PermError => "the address has no name (RFC 8601 section 2.7.3)",
        }
    }
}

/// A check of one client. See the [module](self) for an example.
#[derive(Debug)]
pub struct Check {
    client: IpAddr,
    answers: Answers,
    /// The question for its names.
    reverse: usize,
    verdict: Option<Verdict>,
}

impl Check {
    /// How many names are looked up; others do not count (RFC 8601 section 3 asks for such
    /// a limit, RFC 7208 section 4.6.4 has this one).
    pub const MOST: usize = 10;

    /// Of the client with this address. An IPv4 client may come through an IPv6 socket.
    #[must_use]
    pub fn new(client: IpAddr) -> Self {
        let client = client.to_canonical();
        let mut answers = Answers::default();
        let reverse = answers.question(&reverse_name(client), RecordKind::Ptr);
        Check {
            client,
            answers,
            reverse,
            verdict: None,
        }
    }

    /// The next DNS question; `None` when there is none until an answer comes, or when the
    /// [`verdict`](Self::verdict) is known.
    pub fn next_query(&mut self) -> Option<Query> {
        match self.verdict {
            None => self.answers.next_query(|_| true),
            Some(_) => None,
        }
    }

    /// Answers a query, in any order.
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.answers.answer(id, answer)?;
        if self.verdict.is_none() {
            self.verdict = self.judge();
        }
        Ok(())
    }

    /// The outcome, as soon as no further answer is needed for it.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdict.as_ref()
    }

    /// Goes on with the answers that are there; puts the questions for all names at once.
    fn judge(&mut self) -> Option<Verdict> {
        let claimed: Vec<String> = match self.answers.get(self.reverse)? {
            Ok(Records::Ptr(names)) if !names.is_empty() => {
                let names = names.iter().take(Self::MOST).map(|name| without_dot(name));
                names.filter(|n| is_name(n)).map(str::to_owned).collect()
            }
            Ok(_) | Err(DnsError::NotFound) => {
                return Some(self.verdict_of(IprevResult::PermError, None, Vec::new()));
            }
            Err(DnsError::Temporary) => {
                return Some(self.verdict_of(IprevResult::TempError, None, Vec::new()));
            }
        };
        let kind = match self.client {
            IpAddr::V4(_) => RecordKind::A,
            IpAddr::V6(_) => RecordKind::Aaaa,
        };
        let (mut waits, mut failed, mut found) = (false, false, None);
        for name in &claimed {
            match self.answers.look_up(name, kind) {
                None => waits = true,
                Some(Err(DnsError::Temporary)) => failed = true,
                Some(Err(DnsError::NotFound)) => {}
                // Of several the first in their order, in whatever order answers come.
                Some(Ok(records)) if !waits && found.is_none() => {
                    let is_it = records.addresses().any(|address| address == self.client);
                    found = is_it.then(|| name.clone());
                }
                Some(Ok(_)) => {}
            }
        }
        let result = match (&found, waits, failed) {
            (Some(_), ..) => IprevResult::Pass,
            (None, true, _) => return None,
            (None, false, true) => IprevResult::TempError,
            (None, false, false) => IprevResult::Fail,
        };
        Some(self.verdict_of(result, found, claimed))
    }

    fn verdict_of(
        &self,
        result: IprevResult,
        name: Option<String>,
        claimed: Vec<String>,
    ) -> Verdict {
        Verdict {
            result,
            client: self.client,
            name,
            claimed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Answer = Result<Records, DnsError>;

    fn ptr(names: &[&str]) -> Answer {
        let names = names.iter().map(|&name| name.to_owned());
        Ok(Records::Ptr(names.collect()))
    }

    fn a(addresses: &[&str]) -> Answer {
        let addresses = addresses.iter().map(|a| a.parse().unwrap());
        Ok(Records::A(addresses.collect()))
    }

    /// The verdict on 192.0.2.7; answers of names come first to last or last to first.
    fn check(reverse: Answer, forward: impl Fn(&str) -> Answer, backwards: bool) -> Verdict {
        let mut check = Check::new("::ffff:192.0.2.7".parse().unwrap());
        let query = check.next_query().unwrap();
        assert_eq!(
            (&*query.name, query.kind),
            ("7.2.0.192.in-addr.arpa", RecordKind::Ptr)
        );
        assert_eq!(check.next_query(), None);
        check.answer(query.id, reverse).unwrap();
        let mut queries: Vec<Query> = core::iter::from_fn(|| check.next_query()).collect();
        assert!(queries.len() <= Check::MOST);
        if backwards {
            queries.reverse();
        }
        for query in queries {
            assert_eq!(query.kind, RecordKind::A);
            check.answer(query.id, forward(&query.name)).unwrap();
        }
        check.verdict().unwrap().clone()
    }

    #[test]
    fn rfc8601_2_7_3_results() {
        let forward = |name: &str| match name {
            "this.test" | "too.test" => a(&["192.0.2.6", "192.0.2.7"]),
            "other.test" => a(&["192.0.2.8"]),
            "empty.test" => a(&[]),
            "slow.test" => Err(DnsError::Temporary),
            _ => Err(DnsError::NotFound),
        };
        use IprevResult::{Fail, Pass, PermError, TempError};
        for (reverse, result, name) in [
            (ptr(&["this.test."]), Pass, Some("this.test")),
            (ptr(&["other.test", "this.test"]), Pass, Some("this.test")),
            (ptr(&["slow.test", "this.test"]), Pass, Some("this.test")),
            (ptr(&["too.test", "this.test"]), Pass, Some("too.test")),
            (ptr(&["other.test"]), Fail, None),
            (ptr(&["empty.test"]), Fail, None),
            (ptr(&["gone.test", "other.test"]), Fail, None),
            (ptr(&["gone.test", "slow.test"]), TempError, None),
            // Names that DNS cannot be asked for.
            (ptr(&["a..b", "x\\.test", ""]), Fail, None),
            (ptr(&[]), PermError, None),
            (Err(DnsError::NotFound), PermError, None),
            (Err(DnsError::Temporary), TempError, None),
        ] {
            for backwards in [false, true] {
                let verdict = check(reverse.clone(), forward, backwards);
                assert_eq!(verdict.result, result, "{verdict}");
                assert_eq!(verdict.name.as_deref(), name, "{verdict}");
                assert_eq!(verdict.client, "192.0.2.7".parse::<IpAddr>().unwrap());
            }
        }
    }

    #[test]
    fn ten_names_and_no_more() {
        let names: Vec<String> = (0..1000).map(|n| alloc::format!("n{n}.test")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let the_last = |name: &str| match name {
            "n999.test" | "n10.test" => a(&["192.0.2.7"]),
            _ => Err(DnsError::NotFound),
        };
        assert_eq!(
            check(ptr(&names), the_last, false).result,
            IprevResult::Fail
        );
    }

    #[test]
    fn ipv6_is_asked_as_ipv6() {
        let mut check = Check::new("2001:db8::1".parse().unwrap());
        let query = check.next_query().unwrap();
        assert!(query.name.starts_with("1.0.0.0.") && query.name.ends_with(".ip6.arpa"));
        check.answer(query.id, ptr(&["six.test"])).unwrap();
        let query = check.next_query().unwrap();
        assert_eq!((&*query.name, query.kind), ("six.test", RecordKind::Aaaa));
        let wrong = check.answer(query.id, a(&["192.0.2.7"]));
        assert_eq!(wrong, Err(Misuse::WrongKind));
        let six = Records::Aaaa(["2001:db8::1".parse().unwrap()].into());
        check.answer(query.id, Ok(six)).unwrap();
        assert_eq!(check.verdict().unwrap().result, IprevResult::Pass);
    }
}
