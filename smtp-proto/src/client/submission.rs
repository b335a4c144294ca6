//! One message sent from end to end: a caller of [`Client`] that is ready made.

use alloc::{format, string::String, vec::Vec};
use core::mem;

use bytes::Bytes;
use scop_sasl::Credentials;
use thiserror::Error;

use super::{BodyError, Client, ClientEvent, Handle, Refusal};
use crate::{Body, ForwardPath, Mail, Rcpt, Reply, ReversePath};

/// Who sends a message to whom: not what stands in its header.
///
/// ```
/// use scop_smtp_proto::{Envelope, Mailbox};
///
/// let envelope = Envelope::new("tim@example.org".parse::<Mailbox>()?)
///     .to("ann@example.net".parse::<Mailbox>()?)
///     .to("bob@example.net".parse::<Mailbox>()?);
/// assert_eq!(envelope.to.len(), 2);
/// # Ok::<(), scop_smtp_proto::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// Where bounces go.
    pub from: ReversePath<'static>,
    /// Who gets it.
    pub to: Vec<ForwardPath<'static>>,
}

impl Envelope {
    /// From `from`, to nobody yet.
    #[must_use]
    pub fn new(from: impl Into<ReversePath<'static>>) -> Self {
        Envelope {
            from: from.into(),
            to: Vec::new(),
        }
    }

    /// The same, to `recipient` as well.
    #[must_use]
    pub fn to(mut self, recipient: impl Into<ForwardPath<'static>>) -> Self {
        self.to.push(recipient.into());
        self
    }
}

/// Why a submission came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SubmissionError {
    /// The server did not accept our credentials.
    #[error("authentication failed: {0}")]
    Authentication(Reply),
    /// The server refused the sender, or the message as MAIL describes it.
    #[error("the sender was refused: {0}")]
    Sender(Reply),
    /// The server refused each recipient, for these reasons, in the envelope's order.
    #[error("no recipient was accepted{}", first_reason(.0))]
    NoRecipients(Vec<(ForwardPath<'static>, Reply)>),
    /// The server refused the message.
    #[error("the message was refused: {0}")]
    Message(Reply),
    /// The server cannot do what this message or login needs.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The message cannot be sent as it is.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// The connection closed before it was over. [`Client::in_doubt`] tells whether
    /// the message may have been accepted nevertheless.
    #[error("the connection closed before the message was answered")]
    Unanswered,
}

/// What became of a message that the server accepted, and of each recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The server's answer to the message: positive.
    pub reply: Reply,
    /// Each recipient, in the envelope's order, and what the server said to it.
    pub recipients: Vec<(ForwardPath<'static>, Reply)>,
}

impl Report {
    /// The recipients for whom the server took the message.
    pub fn accepted(&self) -> impl Iterator<Item = &ForwardPath<'static>> {
        let taken = self.recipients.iter().filter(|(_, r)| r.is_positive());
        taken.map(|(to, _)| to)
    }

    /// The others, and why.
    pub fn refused(&self) -> impl Iterator<Item = &(ForwardPath<'static>, Reply)> {
        self.recipients.iter().filter(|(_, r)| !r.is_positive())
    }
}

/// A message on its way: hand it each event of a [`Client`], over whatever driver.
///
/// It logs in if it has credentials, sends the message (8-bit content is declared
/// where it is found), and quits. One refused recipient does not stop the others.
///
/// ```
/// # use scop_core::{Instant, Machine, Next};
/// # use bytes::BytesMut;
/// use scop_smtp_proto::{Client, ClientConfig, ClientName, Envelope, Mailbox, Submission, TlsPolicy};
///
/// let envelope = Envelope::new("tim@example.org".parse::<Mailbox>()?).to("ann@example.net".parse::<Mailbox>()?);
/// let mut submission = Submission::new(envelope, "Subject: Hi\r\n\r\nHello!\r\n");
/// let mut client = Client::new(ClientConfig::new(ClientName::new("me.example")?).tls(TlsPolicy::Never));
/// # let mut answers = ["220 hi\r\n", "250 hi\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 taken\r\n", "221 bye\r\n"].into_iter();
/// # let mut input = BytesMut::new();
/// # let now = Instant::ZERO;
/// # let mut next_event = |client: &mut Client| loop {
/// #     match client.read(now, &mut input).unwrap() {
/// #         Next::Event(event) => return Some(event),
/// #         Next::Closed => return None,
/// #         _ => { while client.transmit(now).is_some() {} input.extend_from_slice(answers.next().unwrap().as_bytes()) }
/// #     }
/// # };
/// // `next_event` is a driver's.
/// while let Some(event) = next_event(&mut client) {
///     submission.on_event(&mut client, event);
/// }
/// let report = submission.report()?;
/// assert_eq!(report.reply.to_string(), "250 taken");
/// assert_eq!(report.accepted().count(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Submission {
    envelope: Envelope,
    message: Bytes,
    credentials: Option<Credentials>,
    stays: bool,
    step: Step,
    replies: Vec<Reply>,
    result: Option<Result<Reply, SubmissionError>>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Ready has not come.
    Start,
    Login(Handle),
    /// `named` recipients were named.
    Naming {
        mail: Handle,
        named: usize,
    },
    /// DATA was asked for.
    Sending {
        mail: Handle,
        data: Handle,
    },
    Over,
}

impl Submission {
    /// A message to be sent: its lines end in CRLF (or see
    /// [`Outgoing::Normalise`](crate::Outgoing)), and its dots are not stuffed.
    #[must_use]
    pub fn new(envelope: Envelope, message: impl Into<Bytes>) -> Self {
        Submission {
            envelope,
            message: message.into(),
            credentials: None,
            stays: false,
            step: Step::Start,
            replies: Vec::new(),
            result: None,
        }
    }

    /// The same, logging in before.
    #[must_use]
    pub fn login(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// The same, without QUIT at the end: for another message to
    /// [`start`](Self::start) on the same connection.
    #[must_use]
    pub fn stay(mut self) -> Self {
        self.stays = true;
        self
    }

    /// It is decided: [`report`](Self::report) has it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.result.is_some()
    }

    /// Begins on a client that is ready already. Not needed for one whose
    /// [`ClientEvent::Ready`] is handed to [`on_event`](Self::on_event).
    pub fn start(&mut self, client: &mut Client) {
        let Step::Start = self.step else { return };
        let begun = match self.credentials.take() {
            Some(credentials) => client
                .auth(credentials)
                .map(|handle| self.step = Step::Login(handle))
                .map_err(|rejected| rejected.why),
            None => self.mail(client),
        };
        if let Err(why) = begun {
            self.end(client, Err(why.into()));
        }
    }

    /// Takes note of an event and does what it asks for. Events of other commands
    /// are none of its business.
    pub fn on_event(&mut self, client: &mut Client, event: ClientEvent) {
        match (self.step, event) {
            (Step::Start, ClientEvent::Ready) => self.start(client),
            (Step::Login(login), ClientEvent::Reply { handle, reply }) if handle == login => {
                let begun = match reply.is_positive() {
                    true => self.mail(client).map_err(SubmissionError::from),
                    false => Err(SubmissionError::Authentication(reply)),
                };
                if let Err(error) = begun {
                    self.end(client, Err(error));
                }
            }
            (Step::Naming { mail, .. }, ClientEvent::Reply { handle, reply }) if handle >= mail => {
                if handle == mail && !reply.is_positive() {
                    self.end(client, Err(SubmissionError::Sender(reply)));
                } else if handle != mail {
                    self.replies.push(reply);
                }
            }
            (Step::Naming { .. }, ClientEvent::Room) => {
                if let Err(why) = self.name_recipients(client) {
                    self.end(client, Err(why.into()));
                }
            }
            (Step::Sending { mail, data }, ClientEvent::Reply { handle, reply }) => {
                if handle == mail && !reply.is_positive() {
                    // What is told of the others says no more than this.
                    self.result = Some(Err(SubmissionError::Sender(reply)));
                } else if handle == data {
                    let result = match reply.is_positive() {
                        true => Ok(reply),
                        false if self.replies.iter().any(Reply::is_positive) => {
                            Err(SubmissionError::Message(reply))
                        }
                        false => Err(SubmissionError::NoRecipients(self.answered())),
                    };
                    self.end(client, result);
                } else if handle > mail && handle < data {
                    self.replies.push(reply);
                }
            }
            (Step::Sending { data, .. }, ClientEvent::NotSent { handle, .. }) if handle == data => {
                let refused = self.answered();
                self.end(client, Err(SubmissionError::NoRecipients(refused)));
            }
            (Step::Sending { data, .. }, ClientEvent::Body(handle)) if handle == data => {
                self.stream(client);
            }
            (Step::Sending { .. }, ClientEvent::Room) => self.stream(client),
            _ => {}
        }
    }

    /// What became of it, once the client is closed or [`is_over`](Self::is_over).
    ///
    /// # Errors
    ///
    /// [`SubmissionError`]: the message went to nobody, or nobody knows.
    pub fn report(self) -> Result<Report, SubmissionError> {
        let reply = self.result.unwrap_or(Err(SubmissionError::Unanswered))?;
        Ok(Report {
            reply,
            recipients: self.envelope.to.into_iter().zip(self.replies).collect(),
        })
    }

    /// Each recipient that was answered so far, and how.
    fn answered(&self) -> Vec<(ForwardPath<'static>, Reply)> {
        let replies = self.replies.iter().cloned();
        self.envelope.to.iter().cloned().zip(replies).collect()
    }

    fn mail(&mut self, client: &mut Client) -> Result<(), Refusal> {
        if self.envelope.to.is_empty() {
            return Err(Refusal::NoTransaction);
        }
        let mut mail = Mail::new(self.envelope.from.clone());
        mail.size = Some(self.message.len() as u64);
        mail.body = (!self.message.is_ascii()).then_some(Body::EightBitMime);
        let mail = client.mail(mail).map_err(|rejected| rejected.why)?;
        self.step = Step::Naming { mail, named: 0 };
        self.name_recipients(client)
    }

    fn name_recipients(&mut self, client: &mut Client) -> Result<(), Refusal> {
        let Step::Naming { mail, named } = self.step else {
            return Ok(());
        };
        for (i, to) in self.envelope.to.iter().enumerate().skip(named) {
            if let Err(rejected) = client.rcpt(Rcpt::new(to.clone())) {
                self.step = Step::Naming { mail, named: i };
                return wait_for_room(rejected.why);
            }
        }
        let named = self.envelope.to.len();
        match client.data() {
            Ok(data) => self.step = Step::Sending { mail, data },
            Err(why) => {
                self.step = Step::Naming { mail, named };
                return wait_for_room(why);
            }
        }
        Ok(())
    }

    fn stream(&mut self, client: &mut Client) {
        let sent = client.body(&mut self.message).and_then(|()| {
            if self.message.is_empty() {
                client.finish()
            } else {
                Ok(())
            }
        });
        if let Err(error) = sent {
            // Half of it may be out: it must not be taken for the whole.
            client.abort();
            self.result = Some(Err(error.into()));
            self.step = Step::Over;
        }
    }

    fn end(&mut self, client: &mut Client, result: Result<Reply, SubmissionError>) {
        self.step = Step::Over;
        self.result.get_or_insert(result);
        drop(mem::take(&mut self.message));
        if !self.stays {
            // Refused only where the end is coming anyway.
            let _ = client.quit();
        }
    }
}

fn first_reason(refused: &[(ForwardPath<'static>, Reply)]) -> String {
    let reason = refused
        .first()
        .map(|(to, reply)| format!(": {to}: {reply}"));
    reason.unwrap_or_default()
}

fn wait_for_room(why: Refusal) -> Result<(), Refusal> {
    match why {
        Refusal::NoRoom => Ok(()),
        why => Err(why),
    }
}
