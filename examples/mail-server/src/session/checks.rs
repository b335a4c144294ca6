//! Whether a message is from whom it says: SPF, DKIM, ARC and DMARC, checked while it
//! comes, and what is done with one that is not.

use std::{net::IpAddr, sync::Arc, time::Duration};

use dns::Dns;
use scop_dkim::{
    DnsError, QueryId, Records,
    authentication::{Authenticated, Authentication},
    dmarc::{DmarcResult, Policy},
};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

/// How long answers are waited for once the message is here. Clients wait ten minutes
/// for the reply (RFC 5321 4.5.3.2.6).
const PATIENCE: Duration = Duration::from_secs(20);

/// What is done when a message fails DMARC (RFC 9989).
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Enforcement {
    /// Say so in Authentication-Results
    Mark,
    /// Do as the author's domain asks: reject it, or put it into the mailbox Junk
    Enforce,
}

/// Whom to ask, and what to make of it.
#[derive(Clone, Debug)]
pub(crate) struct Checking {
    pub(crate) dns: Dns,
    pub(crate) enforcement: Enforcement,
    /// Clients on this machine are no strangers, except to tests.
    pub(crate) loopback: bool,
}

impl Checking {
    /// Begins with a message of a client, if it is one to be checked.
    pub(crate) fn start(
        self: &Arc<Self>,
        client: IpAddr,
        helo: &str,
        mail_from: &str,
        receiver: &str,
        now: u64,
    ) -> Option<Checks> {
        let client = client.to_canonical();
        if client.is_loopback() && !self.loopback {
            return None;
        }
        let message = Authentication::new(client, helo, mail_from, now)
            .with_helo(helo)
            .with_receiver(receiver, now);
        let mut checks = Checks {
            checking: Arc::clone(self),
            message,
            lookups: JoinSet::new(),
        };
        checks.advance();
        Some(checks)
    }
}

/// The checks of one message.
pub(crate) struct Checks {
    checking: Arc<Checking>,
    message: Authentication,
    /// Questions that are on their way.
    lookups: JoinSet<Answer>,
}

type Answer = (QueryId, Result<Records, DnsError>);

/// What came of them.
pub(crate) struct Checked {
    /// The Authentication-Results field.
    pub(crate) field: String,
    pub(crate) action: Action,
}

/// What happens to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Deliver,
    /// Into Junk.
    Quarantine,
    /// In the name of that domain.
    Reject(String),
    /// It has no author, or several.
    Nobody(String),
    /// DNS did not answer.
    Later,
}

impl Checks {
    /// Takes the next bytes of the message.
    pub(crate) fn write(&mut self, data: &[u8]) {
        // A header over the limit is told by the result.
        let _ = self.message.write(data);
        self.advance();
    }

    /// Takes answers that are there, and sends off new questions.
    fn advance(&mut self) {
        while let Some(answered) = self.lookups.try_join_next() {
            if let Ok((id, answer)) = answered {
                let _ = self.message.answer(id, answer);
            }
        }
        while let Some(query) = self.message.next_query() {
            ask(&self.checking, &mut self.lookups, query);
        }
    }

    /// The message is complete: waits for what is still unknown.
    pub(crate) async fn finish(self, authserv_id: &str) -> Checked {
        let Checks {
            checking,
            message,
            mut lookups,
        } = self;
        let deadline = Instant::now() + PATIENCE;
        let mut message = message.finish();
        loop {
            while let Some(query) = message.next_query() {
                ask(&checking, &mut lookups, query);
            }
            if message.is_complete() {
                break;
            }
            match timeout_at(deadline, lookups.join_next()).await {
                Ok(Some(Ok((id, answer)))) => {
                    let _ = message.answer(id, answer);
                }
                Ok(Some(Err(_))) => {}
                // Who is late has not answered.
                Ok(None) | Err(_) => break,
            }
        }
        message.give_up();
        let field = message.results(authserv_id);
        Checked {
            // The domain was found to be one when the server started.
            field: field.map(|field| field.to_string()).unwrap_or_default(),
            action: match checking.enforcement {
                Enforcement::Mark => Action::Deliver,
                Enforcement::Enforce => action(&message),
            },
        }
    }
}

fn ask(checking: &Arc<Checking>, lookups: &mut JoinSet<Answer>, query: scop_dkim::Query) {
    let checking = Arc::clone(checking);
    lookups.spawn(async move { (query.id, checking.dns.answer(&query).await) });
}

/// What the author's domain asks for (RFC 9989 5.3.6). A message without an author, or
/// with several, has nobody to ask; one for which DNS fails may come again, unless it is
/// known that nothing is asked whatever DNS says.
fn action(message: &Authenticated) -> Action {
    let Some(verdict) = message.dmarc() else {
        return Action::Later;
    };
    let asks_nothing = verdict.policy == Some(Policy::None) && verdict.oddity.is_none();
    match (verdict.result, verdict.disposition) {
        (DmarcResult::TempError, _) if asks_nothing => Action::Deliver,
        (DmarcResult::TempError, _) => Action::Later,
        (_, Policy::None) => Action::Deliver,
        (_, Policy::Quarantine) => Action::Quarantine,
        (DmarcResult::Fail, Policy::Reject) => {
            let domain = verdict.policy_domain();
            Action::Reject(domain.unwrap_or_default().to_owned())
        }
        (_, Policy::Reject) => Action::Nobody(verdict.reason.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scop_dkim::{Domain, Selector, Signer, SigningKey, SystemRandom};

    /// A key that DNS does not give keeps mail waiting where it decides something only.
    #[test]
    fn a_domain_that_asks_nothing_does_not_wait_for_its_key() {
        let text = "From: <a@b.test>\r\n\r\nx\r\n";
        let key = SigningKey::ed25519(&[7; 32]).unwrap();
        let (domain, selector) = (Domain::new("b.test").unwrap(), Selector::new("s").unwrap());
        let mut signing = Signer::new(domain, selector, key).start(1);
        signing.write(text.as_bytes()).unwrap();
        let signed = signing.finish(&SystemRandom::new()).unwrap() + text;
        let action_for = |policy: &str| {
            let client = "192.0.2.1".parse().unwrap();
            let mut message = Authentication::new(client, "mx.test", "", 1);
            message.write(signed.as_bytes()).unwrap();
            let mut message = message.finish();
            while let Some(query) = message.next_query() {
                let answer = match &*query.name {
                    "_dmarc.b.test" => Ok(Records::txt([format!("v=DMARC1; p={policy}")])),
                    "s._domainkey.b.test" => Err(DnsError::Temporary),
                    _ => Err(DnsError::NotFound),
                };
                message.answer(query.id, answer).unwrap();
            }
            assert_eq!(message.dmarc().unwrap().result, DmarcResult::TempError);
            action(&message)
        };
        assert_eq!(action_for("none"), Action::Deliver);
        assert_eq!(action_for("quarantine"), Action::Later);
        assert_eq!(action_for("reject"), Action::Later);
    }

    async fn check(enforcement: Enforcement, client: &str) -> Option<Checked> {
        let checking = Arc::new(Checking {
            dns: Dns::Nobody,
            enforcement,
            loopback: false,
        });
        let client = client.parse().unwrap();
        let mut checks = checking.start(client, "mx.test", "a@b.test", "us.test", 1)?;
        checks.write(b"From: <a@b.test>\r\n");
        checks.write(b"\r\nx\r\n");
        Some(checks.finish("us.test").await)
    }

    #[tokio::test]
    async fn while_dns_fails_mail_waits_or_is_marked() {
        let marked = check(Enforcement::Mark, "192.0.2.1").await.unwrap();
        assert_eq!(marked.action, Action::Deliver);
        let field = marked.field;
        assert!(
            field.contains("spf=temperror") && field.contains("dmarc=temperror"),
            "{field}"
        );
        let later = check(Enforcement::Enforce, "192.0.2.1").await.unwrap();
        assert_eq!(later.action, Action::Later);
        // However the address of this machine is written.
        for client in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(check(Enforcement::Enforce, client).await.is_none());
        }
    }
}
