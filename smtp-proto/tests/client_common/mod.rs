//! A caller of the client machine for tests: a script of what it does once the
//! client is ready, and words for what it is told.
#![allow(dead_code, reason = "each test file uses its part")]

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use bytes::{Bytes, BytesMut};
use scop_core::{
    Instant, Machine, Next,
    testkit::{Note, Peer, Side, converse},
};
use scop_sasl::Credentials;
use scop_smtp_proto::{
    Client, ClientConfig, ClientEvent, ClientName, Handle, Mail, Mailbox, Rcpt, Refusal, Report,
    Submission, SubmissionError, TlsPolicy,
};

pub(crate) fn mailbox(text: &str) -> Mailbox<'static> {
    text.parse().unwrap()
}

pub(crate) fn config(policy: TlsPolicy) -> ClientConfig {
    ClientConfig::new(ClientName::new("dbc.mtview.ca.us").unwrap()).tls(policy)
}

/// One thing a caller does.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Auth(Credentials),
    Mail(Mail<'static>),
    Rcpt(Rcpt<'static>),
    Data,
    Rset,
    Noop,
    Quit,
}

/// What a caller does from `Ready` on: each step as soon as it is taken. The bodies
/// go out in order, one for each `Body` event.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) config: ClientConfig,
    steps: VecDeque<Step>,
    /// One for each DATA to come.
    bodies: VecDeque<(Bytes, bool)>,
    /// Each step waits for the answer to the last.
    patient: bool,
    pub(crate) log: Rc<RefCell<Log>>,
}

/// What a caller knows of its messages: the bodies it finished, and of those the
/// ones it saw accepted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) finished: Vec<(Handle, Bytes)>,
    pub(crate) accepted: Vec<Bytes>,
}

impl Script {
    pub(crate) fn new(policy: TlsPolicy) -> Script {
        Script::configured(config(policy))
    }

    pub(crate) fn configured(config: ClientConfig) -> Script {
        Script {
            config,
            steps: VecDeque::new(),
            bodies: VecDeque::new(),
            patient: false,
            log: Rc::default(),
        }
    }

    pub(crate) fn then(mut self, step: Step) -> Script {
        self.steps.push_back(step);
        self
    }

    pub(crate) fn message(self, from: &str, to: &[&str], body: impl Into<Bytes>) -> Script {
        self.transaction(Mail::new(mailbox(from)), to, body.into(), true)
    }

    /// A message that is begun and never finished.
    pub(crate) fn half_message(self, from: &str, to: &[&str], body: impl Into<Bytes>) -> Script {
        self.transaction(Mail::new(mailbox(from)), to, body.into(), false)
    }

    pub(crate) fn transaction(
        mut self,
        mail: Mail<'static>,
        to: &[&str],
        body: Bytes,
        whole: bool,
    ) -> Script {
        self.steps.push_back(Step::Mail(mail));
        for to in to {
            self.steps.push_back(Step::Rcpt(Rcpt::new(mailbox(to))));
        }
        self.steps.push_back(Step::Data);
        self.bodies.push_back((body, whole));
        self
    }

    /// The same, each step only when the last one is answered.
    pub(crate) fn one_by_one(mut self) -> Script {
        self.patient = true;
        self
    }

    /// The caller and its machine.
    pub(crate) fn peer(self) -> Peer<'static, Client> {
        let client = Client::new(self.config.clone());
        let mut caller = Caller {
            script: self,
            ready: false,
            asked: Vec::new(),
            unanswered: 0,
            sending: None,
        };
        Peer::new(client, move |client, _, event| {
            caller.on_event(client, event)
        })
    }
}

struct Caller {
    script: Script,
    ready: bool,
    /// The bodies whose DATA was given.
    asked: Vec<(Handle, (Bytes, bool))>,
    sending: Option<Sending>,
    unanswered: usize,
}

impl Caller {
    fn on_event(&mut self, client: &mut Client, event: ClientEvent) -> Note {
        let mut note = match &event {
            ClientEvent::Greeting(reply) => format!("greeting {reply}"),
            ClientEvent::Ready => "ready".into(),
            ClientEvent::Reply { handle, reply } => format!("{}: {reply}", number(handle)),
            ClientEvent::NotSent { handle, why } => format!("not sent {}: {why}", number(handle)),
            ClientEvent::Body(handle) => format!("body of {}", number(handle)),
            ClientEvent::Room => String::new(),
            ClientEvent::Closing(reply) => format!("closing {reply}"),
            other => format!("{other:?}"),
        };
        if let ClientEvent::Reply { .. } | ClientEvent::NotSent { .. } = event {
            self.unanswered -= 1;
        }
        match event {
            ClientEvent::Ready => self.ready = true,
            ClientEvent::Body(handle) => {
                let at = self.asked.iter().position(|(h, _)| *h == handle).unwrap();
                let (handle, (all, whole)) = self.asked.remove(at);
                self.sending = Some(Sending {
                    handle,
                    left: all.clone(),
                    all,
                    whole,
                });
                if let Some(error) = self.stream(client) {
                    note = format!("{note}\nbody: {error}");
                }
            }
            ClientEvent::Reply { handle, reply } if reply.is_positive() => {
                let mut log = self.script.log.borrow_mut();
                let found = log.finished.iter().find(|(h, _)| *h == handle);
                if let Some((_, body)) = found.cloned() {
                    log.accepted.push(body);
                }
            }
            ClientEvent::Room => {
                if let Some(error) = self.stream(client) {
                    note = format!("body: {error}");
                }
            }
            _ => {}
        }
        if let Some(why) = self.go_on(client) {
            let gap = if note.is_empty() { "" } else { "\n" };
            note = format!("{note}{gap}refused: {why}");
        }
        if note.is_empty() {
            Note::Silent
        } else {
            Note::Event(note)
        }
    }

    /// All steps that are taken now; why one is refused for good, if one is.
    fn go_on(&mut self, client: &mut Client) -> Option<Refusal> {
        let mut refused = None;
        while self.ready && !(self.script.patient && self.unanswered > 0) {
            let Some(step) = self.script.steps.front().cloned() else {
                break;
            };
            let why = match &step {
                Step::Auth(credentials) => client.auth(credentials.clone()).map_err(|r| r.why),
                Step::Mail(mail) => client.mail(mail.clone()).map_err(|r| r.why),
                Step::Rcpt(rcpt) => client.rcpt(rcpt.clone()).map_err(|r| r.why),
                Step::Data => client.data().inspect(|&handle| {
                    let body = self.script.bodies.pop_front().unwrap();
                    self.asked.push((handle, body));
                }),
                Step::Rset => client.rset(),
                Step::Noop => client.noop(),
                Step::Quit => client.quit(),
            };
            match why {
                // Another event will make it possible.
                Err(Refusal::NoRoom | Refusal::TransactionOpen) => break,
                Err(Refusal::Closing) => break,
                Err(why) => {
                    if let Step::Data = step {
                        self.script.bodies.pop_front();
                    }
                    refused = Some(why);
                }
                Ok(_) => self.unanswered += 1,
            }
            self.script.steps.pop_front();
        }
        refused
    }

    fn stream(&mut self, client: &mut Client) -> Option<String> {
        let sending = self.sending.as_mut()?;
        let mut sent = client.body(&mut sending.left);
        if sent.is_ok() && sending.left.is_empty() && sending.whole {
            sent = client.finish();
            let finished = (sending.handle, sending.all.clone());
            self.script.log.borrow_mut().finished.push(finished);
            self.sending = None;
        }
        sent.err().map(|error| {
            client.abort();
            error.to_string()
        })
    }
}

fn number(handle: &Handle) -> String {
    let text = format!("{handle:?}");
    text.trim_start_matches("Handle(")
        .trim_end_matches(')')
        .to_owned()
}

/// A message that is being sent.
struct Sending {
    handle: Handle,
    left: Bytes,
    all: Bytes,
    whole: bool,
}

/// Takes a new client to `Ready` with this reply to EHLO.
pub(crate) fn ready(mut client: Client, hello: &str) -> Client {
    let now = Instant::from_secs(1);
    let mut input = BytesMut::from(format!("220 x\r\n{hello}").as_str());
    while !client.is_ready() {
        match client.read(now, &mut input).unwrap() {
            Next::Event(_) => {}
            other => panic!("{other:?}"),
        }
    }
    while client.transmit(now).is_some() {}
    client
}

/// Plays `transcript` with a submission as the client.
pub(crate) fn submit(
    config: ClientConfig,
    submission: Submission,
    transcript: &str,
) -> Result<Report, SubmissionError> {
    let submission = Rc::new(RefCell::new(submission));
    let ours = submission.clone();
    let mut peer = Peer::new(Client::new(config), move |client, _, event| {
        ours.borrow_mut().on_event(client, event);
        Note::Silent
    });
    converse(&mut peer, Side::Client, transcript);
    drop(peer);
    Rc::into_inner(submission).unwrap().into_inner().report()
}

pub(crate) fn tim() -> Credentials {
    Credentials::new("tim", "tanstaaftanstaaf").unwrap()
}

/// What the caller was told in `transcript`, and the end.
pub(crate) fn events(script: Script, transcript: &str) -> Vec<String> {
    let outcome = converse(&mut script.peer(), Side::Client, transcript);
    let notes = outcome.notes.iter().map(|n| format!("{n:?}"));
    let mut said: Vec<String> = notes
        .flat_map(|n| n.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    said.push(format!("{:?}", outcome.end));
    said
}

pub(crate) fn last(script: Script, transcript: &str) -> String {
    events(script, transcript).pop().unwrap()
}
