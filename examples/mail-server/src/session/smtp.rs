//! An SMTP connection: from anybody for local users, or a user's submission.

use std::{net::SocketAddr, sync::Arc};

use scop_sasl::Credentials;
use scop_smtp_proto::{Mail, Rcpt, Server, ServerEvent};
use scop_tls_adapters::{Tls, tokio::Driver};
use tokio::net::TcpStream;

use super::{
    Ended,
    incoming::{Incoming, Origin, Refusal},
    trace::Trace,
};
use crate::{
    accounts::{Login, Recipient},
    house::{House, stopped},
    store::{Delivery, Flags, MailboxName, Received, StoreError, UserId},
};

/// What is different from port to port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Takes mail from anybody for the users here, and for nobody else.
    Exchange,
    /// Takes mail from users.
    Submission,
}

type Wire = Driver<Tls<Server>, TcpStream>;

struct Session {
    house: Arc<House>,
    role: Role,
    peer: SocketAddr,
    login: Option<Login>,
    /// The envelope's sender, as it goes into Return-Path.
    sender: String,
    recipients: Vec<(UserId, String)>,
    incoming: Option<Incoming>,
}

/// Serves one connection until it ends.
pub(crate) async fn serve(
    house: Arc<House>,
    stream: TcpStream,
    peer: SocketAddr,
    role: Role,
    tls_at_once: bool,
) -> Result<(), Ended> {
    let config = match role {
        Role::Exchange => &house.mx,
        Role::Submission => &house.submission,
    };
    let server = Server::new(Arc::clone(config));
    let handshake = house.smtp_tls.accept();
    let tls = match tls_at_once {
        true => Tls::implicit(server, handshake),
        false => Tls::starttls(server, handshake),
    };
    let mut stop = house.stop.clone();
    let mut stopping = false;
    let mut wire = Driver::new(stream, tls);
    let mut session = Session {
        house,
        role,
        peer,
        login: None,
        sender: String::new(),
        recipients: Vec::new(),
        incoming: None,
    };
    loop {
        let event = tokio::select! {
            event = wire.next() => event?,
            () = stopped(&mut stop), if !stopping => {
                if tls_at_once && !wire.machine().is_encrypted() {
                    return Ok(()); // it has said nothing yet
                }
                // The machine lets a running transaction come to its end first.
                stopping = true;
                wire.machine_mut().shutdown();
                continue;
            }
        };
        match event {
            Some(event) => session.handle(&mut wire, event).await,
            None => return Ok(()),
        }
    }
}

impl Session {
    async fn handle(&mut self, wire: &mut Wire, event: ServerEvent) {
        match event {
            ServerEvent::Auth(credentials) => self.auth(wire, &credentials).await,
            ServerEvent::Mail(mail) => self.mail(wire, &mail),
            ServerEvent::Rcpt(rcpt) => self.rcpt(wire, &rcpt),
            ServerEvent::Data => self.data(wire),
            ServerEvent::Chunk(data) => {
                if let Some(incoming) = &mut self.incoming {
                    incoming.write(data).await;
                }
            }
            ServerEvent::MessageEnd(size) => self.message_end(wire, size).await,
            ServerEvent::Abort(why) => {
                tracing::info!(?why, "a message was not taken");
                self.incoming = None;
            }
            ServerEvent::Reset => self.reset(),
            ServerEvent::Encrypted => {
                // Nothing that was said before TLS counts (RFC 3207 4.2).
                self.login = None;
                self.reset();
            }
            _ => {}
        }
    }

    fn reset(&mut self) {
        self.sender.clear();
        self.recipients.clear();
        self.incoming = None;
    }

    async fn auth(&mut self, wire: &mut Wire, credentials: &Credentials) {
        let login = self.house.accounts.verify(credentials).await;
        match login {
            Some(login) => {
                tracing::info!(user = login.name, "logged in");
                self.login = Some(login);
                accept(wire);
            }
            None => {
                tracing::warn!("authentication failed");
                reject(wire, 535, "5.7.8 Wrong name or password");
            }
        }
    }

    /// Nobody may submit mail in another user's name. A sender elsewhere is the
    /// user's own business: they may have other addresses.
    fn mail(&mut self, wire: &mut Wire, mail: &Mail<'_>) {
        self.reset();
        let sender = mail.from.mailbox();
        if let (Some(login), Some(sender)) = (&self.login, sender) {
            let ours = sender.domain().eq_ignore_ascii_case(&self.house.domain);
            if ours && !sender.local_part().eq_ignore_ascii_case(&login.name) {
                let own = self.house.accounts.address(&login.name);
                let text = format!("5.7.1 Not your address, which is {own}");
                return reject(wire, 550, &text);
            }
        }
        self.sender = sender.map(|s| s.as_str().to_owned()).unwrap_or_default();
        accept(wire);
    }

    fn rcpt(&mut self, wire: &mut Wire, rcpt: &Rcpt<'_>) {
        match self.house.accounts.recipient(&rcpt.to) {
            Recipient::Local(user) => {
                // One who is named twice gets one copy.
                if self.recipients.iter().all(|(have, _)| *have != user) {
                    self.recipients.push((user, rcpt.to.as_str().to_owned()));
                }
                accept(wire);
            }
            Recipient::Unknown => reject(wire, 550, "5.1.1 No such user here"),
            Recipient::Remote => reject(
                wire,
                550,
                "5.7.1 Relaying denied: only mail for users here is taken",
            ),
        }
    }

    fn data(&mut self, wire: &mut Wire) {
        let house = &self.house;
        let now = house.now();
        let origin = match (&self.login, self.role) {
            (Some(login), Role::Submission) => {
                let address = house.accounts.address(&login.name);
                let signing = house.signers.as_ref().map(|s| Box::new(s.start(now)));
                Origin::User(address, signing)
            }
            _ => {
                let helo = wire.machine().client().map(ToString::to_string);
                let helo = helo.as_deref().unwrap_or_default();
                let (client, sender) = (self.peer.ip(), &self.sender);
                let checks = house
                    .checking
                    .start(client, helo, sender, &house.domain, now);
                Origin::Stranger(checks.map(Box::new))
            }
        };
        self.incoming = Some(Incoming::new(house.store.draft(), origin, house));
        accept(wire);
    }

    async fn message_end(&mut self, wire: &mut Wire, size: u64) {
        let Some(incoming) = self.incoming.take() else {
            return reject(wire, 451, "4.3.0 The message was lost, try again");
        };
        let id = incoming.id.clone();
        match self.deliver(wire, incoming).await {
            Ok(copies) => {
                tracing::info!(id, size, copies, "delivered");
                accept(wire);
            }
            Err(refusal) => {
                tracing::warn!(id, size, error = %refusal, "not delivered");
                let (code, text) = refusal.reply();
                reject(wire, code, &text);
            }
        }
        self.reset();
    }

    /// How many copies are in mailboxes for good when this returns.
    async fn deliver(&self, wire: &Wire, incoming: Incoming) -> Result<usize, Refusal> {
        let now = self.house.now();
        let machine = wire.machine();
        let client = machine.client().map(ToString::to_string);
        let id = incoming.id.clone();
        let trace = Trace {
            sender: &self.sender,
            client: client.as_deref().unwrap_or("unknown"),
            peer: self.peer.ip(),
            by: &self.house.domain,
            esmtp: machine.is_esmtp(),
            channel: machine.channel(),
            authenticated: self.login.is_some(),
            id: &id,
            recipient: match &self.recipients[..] {
                [(_, one)] => Some(one),
                _ => None,
            },
            now,
        };
        let complete = incoming.complete(&trace).await?;
        let mailbox = match complete.quarantined {
            true => self.junk().await?,
            false => MailboxName::inbox(),
        };
        let copies = self.recipients.iter().map(|(user, _)| Delivery {
            user: *user,
            mailbox: mailbox.clone(),
            flags: Flags::new(),
            received: Received {
                seconds: i64::try_from(now).unwrap_or_default(),
                zone: 0,
            },
        });
        let copies = copies.collect();
        let delivered = complete.draft.deliver(complete.head.into(), copies).await?;
        Ok(delivered.len())
    }

    /// Where mail is put that its author's domain does not vouch for; every recipient
    /// has it when this returns.
    async fn junk(&self) -> Result<MailboxName, StoreError> {
        let junk = MailboxName::new("Junk")?;
        for (user, _) in &self.recipients {
            match self.house.store.create(*user, junk.clone()).await {
                Ok(()) => {
                    self.house
                        .store
                        .subscribe(*user, junk.clone(), true)
                        .await?
                }
                Err(StoreError::Exists) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(junk)
    }
}

fn accept(wire: &mut Wire) {
    if let Err(misuse) = wire.machine_mut().accept() {
        tracing::error!(%misuse, "an event was answered out of turn");
    }
}

/// `text` begins with an enhanced code (RFC 3463).
fn reject(wire: &mut Wire, code: u16, text: &str) {
    if let Err(misuse) = wire.machine_mut().reject(code, text) {
        tracing::error!(%misuse, "an event was answered out of turn");
    }
}
