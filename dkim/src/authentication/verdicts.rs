//! A message that came, and what is known of it.

use alloc::vec::Vec;
use core::fmt;

use super::Senders;
use super::questions::{Asks, Part, Parts, Questions};
#[cfg(feature = "arc")]
use crate::arc;
use crate::dmarc::{self, Author, Identifier};
use crate::iprev;
use crate::name::Domain;
use crate::outcome::DkimResult;
use crate::query::{DnsError, Misuse, Query, QueryId, Records};
use crate::results::{AuthenticationResults, NotAKeyword};
use crate::spf::{self, SpfResult};
use crate::verify::Verification;

/// A message that came, and what is known of it: each verdict as soon as no answer is
/// missing for it. See the [module](super) for an example.
pub struct Authenticated {
    questions: Questions,
    came: Came,
}

/// The checks of a message that came.
pub(super) struct Came {
    pub(super) senders: Senders,
    pub(super) author: Author,
    pub(super) dkim: Verification,
    #[cfg(feature = "arc")]
    pub(super) arc: arc::Validation,
    /// Once it is known what passed.
    pub(super) dmarc: Option<dmarc::Check>,
}

impl Authenticated {
    pub(super) fn new(questions: Questions, mut came: Came) -> Self {
        came.begin_dmarc();
        Self { questions, came }
    }

    /// The next DNS question, or `None` when there is none now.
    pub fn next_query(&mut self) -> Option<Query> {
        // A verdict may wait for an answer that was there before it was asked for.
        let query = self.questions.next_query(&mut self.came);
        self.came.begin_dmarc();
        query.or_else(|| self.questions.next_query(&mut self.came))
    }

    /// Answers a query, in any order.
    ///
    /// # Errors
    /// [`Misuse`]; nothing is changed then.
    pub fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse> {
        self.questions.answer(&mut self.came, id, answer)?;
        self.came.begin_dmarc();
        Ok(())
    }

    /// Ends the waiting: all that is not answered, and all that would be asked now, has
    /// the answer [`DnsError::Temporary`]. Afterwards the message
    /// [is complete](Self::is_complete).
    pub fn give_up(&mut self) {
        self.questions.budget = 0;
        while !self.is_complete() {
            // Puts open questions on the list; new ones meet the budget.
            while self.next_query().is_some() {}
            self.questions.give_up(&mut self.came);
            self.came.begin_dmarc();
        }
    }

    /// Whether every verdict is known.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let Senders { iprev, helo, .. } = &self.came.senders;
        let iprev = iprev.as_ref();
        let helo = helo.as_ref();
        iprev.is_none_or(|check| check.verdict().is_some())
            && helo.is_none_or(|check| check.verdict().is_some())
            && self.spf().is_some()
            && self.came.dkim.is_complete()
            && self.is_chain_known()
            && self.dmarc().is_some()
    }

    #[cfg(feature = "arc")]
    fn is_chain_known(&self) -> bool {
        self.arc().is_some()
    }

    #[cfg(not(feature = "arc"))]
    fn is_chain_known(&self) -> bool {
        true
    }

    /// Whether the client's name leads back to its address, where that was asked for.
    #[must_use]
    pub fn iprev(&self) -> Option<&iprev::Verdict> {
        self.came.senders.iprev.as_ref()?.verdict()
    }

    /// SPF for the HELO name, where that was asked for.
    #[must_use]
    pub fn helo(&self) -> Option<&spf::Verdict> {
        self.came.senders.helo.as_ref()?.verdict()
    }

    /// SPF for the sender of the envelope.
    #[must_use]
    pub fn spf(&self) -> Option<&spf::Verdict> {
        self.came.senders.mail_from.verdict()
    }

    /// The signatures: outcomes, and the limit that the header exceeded.
    #[must_use]
    pub fn dkim(&self) -> &Verification {
        &self.came.dkim
    }

    /// The chain of those who handled the message.
    #[cfg(feature = "arc")]
    #[must_use]
    pub fn arc(&self) -> Option<&arc::Chain> {
        self.came.arc.chain()
    }

    /// Who wrote it, as DMARC has it.
    #[must_use]
    pub fn author(&self) -> &Author {
        &self.came.author
    }

    /// What DMARC makes of all that.
    #[must_use]
    pub fn dmarc(&self) -> Option<&dmarc::Verdict> {
        self.came.dmarc.as_ref()?.verdict()
    }

    /// All verdicts as a field. What is not known yet is not in it.
    ///
    /// # Errors
    /// [`NotAKeyword`] when the authserv-id is none.
    pub fn results(&self, authserv_id: &str) -> Result<AuthenticationResults, NotAKeyword> {
        let mut field = AuthenticationResults::new(authserv_id)?;
        if let Some(verdict) = self.iprev() {
            field = field.iprev(verdict);
        }
        for verdict in [self.helo(), self.spf()].into_iter().flatten() {
            field = field.spf(verdict);
        }
        field = field.verification(&self.came.dkim);
        #[cfg(feature = "arc")]
        if let Some(chain) = self.arc() {
            field = field.arc(chain, self.came.senders.client);
        }
        if let Some(verdict) = self.dmarc() {
            field = field.dmarc(verdict);
        }
        Ok(field)
    }
}

/// One line for each verdict that is known, in the order of the methods.
impl fmt::Display for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(verdict) = self.iprev() {
            writeln!(f, "iprev {verdict}")?;
        }
        for verdict in [self.helo(), self.spf()].into_iter().flatten() {
            writeln!(f, "spf {verdict}")?;
        }
        let dkim = self.dkim();
        for outcome in dkim.outcomes() {
            writeln!(f, "dkim {outcome}")?;
        }
        if let Some(limit) = dkim.limit() {
            writeln!(f, "dkim permerror: {limit}")?;
        } else if dkim.outcomes().is_empty() {
            writeln!(f, "dkim none: the message is not signed")?;
        }
        if dkim.skipped() > 0 {
            writeln!(
                f,
                "dkim: {} more signatures were not looked at",
                dkim.skipped()
            )?;
        }
        #[cfg(feature = "arc")]
        if let Some(chain) = self.arc() {
            writeln!(f, "arc {chain}")?;
        }
        match self.dmarc() {
            Some(verdict) => writeln!(f, "dmarc {verdict}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated")
            .field("spf", &self.spf())
            .field("dkim", &self.came.dkim)
            .field("dmarc", &self.dmarc())
            .finish_non_exhaustive()
    }
}

impl Came {
    /// DMARC begins when it is known which domains stand for the message.
    fn begin_dmarc(&mut self) {
        if self.dmarc.is_some() || !self.dkim.is_complete() {
            return;
        }
        let Some(spf) = self.senders.mail_from.verdict() else {
            return;
        };
        let outcomes = self.dkim.outcomes().iter();
        let signers = outcomes.filter_map(|o| Some((o.result(), o.domain()?.clone())));
        let (mut passed, mut undecided) = (Vec::new(), Vec::new());
        for (result, domain) in signers {
            match result {
                DkimResult::Pass => passed.push(Identifier::Dkim(domain)),
                DkimResult::TempError => undecided.push(Identifier::Dkim(domain)),
                _ => {}
            }
        }
        if let Ok(domain) = Domain::new(spf.domain()) {
            match spf.result {
                SpfResult::Pass => passed.push(Identifier::Spf(domain)),
                SpfResult::TempError => undecided.push(Identifier::Spf(domain)),
                _ => {}
            }
        }
        self.dmarc = Some(dmarc::Check::of(&self.author, passed).undecided(undecided));
    }
}

impl Parts for Came {
    fn part(&mut self, part: Part) -> Option<&mut dyn Asks> {
        match part {
            Part::Iprev => self.senders.iprev.as_mut().map(|check| check as _),
            Part::Helo => self.senders.helo.as_mut().map(|check| check as _),
            Part::MailFrom => Some(&mut self.senders.mail_from),
            Part::Dkim => Some(&mut self.dkim),
            #[cfg(feature = "arc")]
            Part::Arc => Some(&mut self.arc),
            Part::Dmarc => self.dmarc.as_mut().map(|check| check as _),
        }
    }
}
