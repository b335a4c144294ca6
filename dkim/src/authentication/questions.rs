//! Questions of several machines, asked as those of one.

use alloc::vec::Vec;

use crate::query::{Answers, DnsError, Misuse, Query, QueryId, Records};

/// A machine that asks.
pub(super) trait Asks {
    fn next_query(&mut self) -> Option<Query>;
    fn answer(&mut self, id: QueryId, answer: Result<Records, DnsError>) -> Result<(), Misuse>;
}

/// The machines of a message, by name.
pub(super) trait Parts {
    fn part(&mut self, part: Part) -> Option<&mut dyn Asks>;
}

/// One of the machines of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Iprev,
    Helo,
    MailFrom,
    Dkim,
    #[cfg(feature = "arc")]
    Arc,
    Dmarc,
}

/// Who waits for what.
#[derive(Debug)]
pub(super) struct Questions {
    answers: Answers,
    waiting: Vec<Waiting>,
    /// As many questions leave.
    pub(super) budget: usize,
}

/// A question that one of the machines put, under its own number.
#[derive(Debug)]
struct Waiting {
    question: usize,
    part: Part,
    id: QueryId,
}

impl Questions {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            answers: Answers::default(),
            waiting: Vec::new(),
            budget,
        }
    }

    /// The next question of any machine that nobody has asked before.
    pub(super) fn next_query(&mut self, parts: &mut dyn Parts) -> Option<Query> {
        for &part in Part::ALL {
            if let Some(asks) = parts.part(part) {
                self.ask(part, asks);
            }
        }
        self.answers.next_query(|_| true)
    }

    /// Takes what a machine wants to know. It is told at once what is known already, and
    /// that nothing more will be known when the budget is spent; then it may ask on.
    fn ask(&mut self, part: Part, asks: &mut dyn Asks) {
        while let Some(query) = asks.next_query() {
            let known = self.answers.find(&query.name, query.kind);
            if known.is_none() && self.answers.len() >= self.budget {
                let _ = asks.answer(query.id, Err(DnsError::Temporary));
                continue;
            }
            let question = self.answers.question_of(&query.name, query.kind);
            match self.answers.get(question) {
                Some(answer) => {
                    let _ = asks.answer(query.id, answer.clone());
                }
                None => self.waiting.push(Waiting {
                    question,
                    part,
                    id: query.id,
                }),
            }
        }
    }

    /// Keeps an answer and tells those who wait for it.
    pub(super) fn answer(
        &mut self,
        parts: &mut dyn Parts,
        id: QueryId,
        answer: Result<Records, DnsError>,
    ) -> Result<(), Misuse> {
        self.answers.answer(id, answer)?;
        let Some(answer) = self.answers.get(id.0) else {
            return Ok(());
        };
        self.waiting.retain(|waiting| {
            let is_it = waiting.question == id.0;
            if is_it && let Some(asks) = parts.part(waiting.part) {
                let _ = asks.answer(waiting.id, answer.clone());
            }
            !is_it
        });
        Ok(())
    }

    /// Answers everything that somebody waits for: there is no answer.
    pub(super) fn give_up(&mut self, parts: &mut dyn Parts) {
        while let Some(waiting) = self.waiting.first() {
            let id = QueryId(waiting.question);
            // One that has not left cannot be answered; nobody is to ask it now.
            while self.answers.next_query(|_| true).is_some() {}
            if self.answer(parts, id, Err(DnsError::Temporary)).is_err() {
                self.waiting.clear();
            }
        }
    }
}

impl Part {
    const ALL: &[Part] = &[
        Part::Iprev,
        Part::Helo,
        Part::MailFrom,
        Part::Dkim,
        #[cfg(feature = "arc")]
        Part::Arc,
        Part::Dmarc,
    ];
}

/// A machine of ours asks as they all do.
macro_rules! asks {
    ($($machine:ty),+) => {$(
        impl Asks for $machine {
            fn next_query(&mut self) -> Option<Query> {
                <$machine>::next_query(self)
            }
            fn answer(
                &mut self,
                id: QueryId,
                answer: Result<Records, DnsError>,
            ) -> Result<(), Misuse> {
                <$machine>::answer(self, id, answer)
            }
        }
    )+};
}

asks!(
    crate::iprev::Check,
    crate::spf::Check,
    crate::dmarc::Check,
    crate::evaluate::Evaluation,
    crate::verify::Verification
);
#[cfg(feature = "arc")]
asks!(crate::arc::Evaluation, crate::arc::Validation);
