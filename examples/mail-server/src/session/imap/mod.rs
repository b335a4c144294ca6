//! An IMAP connection: a user reads and keeps mail (RFC 3501).
//!
//! The machine knows the protocol, the store the mail; the session carries one to
//! the other and keeps the [`View`], by which messages have numbers.

mod described;
mod fetch;
mod find;
mod mailbox;
mod message;
mod parts;
mod search;
mod texts;
mod view;
mod wire;

use std::{num::NonZeroU32, sync::Arc};

use bytes::Bytes;
use scop_imap_proto::{
    command::{Append, Command},
    response::{Code, Condition, Data, Fetch, FetchItem, RespText},
    server::{Server, ServerEvent},
    types::{Flag, SequenceSet, Tag},
};
use scop_sasl::Credentials;
use scop_tls_adapters::Tls;
use tokio::{net::TcpStream, sync::watch};

use self::{
    mailbox::{name, number},
    view::{Update, View},
    wire::{Failed, Wire},
};
use super::Ended;
use crate::{
    accounts::Login,
    house::{House, stopped},
    store::{Delivery, Draft, Flags, MailboxName, Received, StoreError, UserId},
};

/// Serves one connection until it ends.
pub(crate) async fn serve(
    house: Arc<House>,
    stream: TcpStream,
    tls_at_once: bool,
) -> Result<(), Ended> {
    let server = Server::new(Arc::clone(&house.imap));
    let handshake = house.imap_tls.accept();
    let tls = match tls_at_once {
        true => Tls::implicit(server, handshake),
        false => Tls::starttls(server, handshake),
    };
    let mut stop = house.stop.clone();
    let mut stopping = false;
    let mut session = Session {
        house,
        wire: Wire::new(stream, tls),
        login: None,
        selected: None,
        appending: None,
        idling: false,
    };
    loop {
        let watched = session.selected.as_mut().filter(|_| session.idling);
        let event = tokio::select! {
            event = session.wire.next() => event?,
            () = changed(watched) => {
                session.update().await?;
                continue;
            }
            () = stopped(&mut stop), if !stopping => {
                if tls_at_once && !session.wire.is_encrypted() {
                    return Ok(()); // it has said nothing yet
                }
                // The machine lets what runs come to its end first.
                stopping = true;
                session.wire.machine().shutdown(RespText::new("The server is stopping"));
                continue;
            }
        };
        match event {
            Some(event) => session.handle(event).await?,
            None => return Ok(()),
        }
    }
}

/// Returns when the mailbox changed; never without one.
async fn changed(selected: Option<&mut Selected>) {
    if let Some(selected) = selected
        && selected.watch.changed().await.is_ok()
    {
        // It stays so until the client was told.
        selected.watch.mark_changed();
        return;
    }
    std::future::pending().await
}

struct Session {
    house: Arc<House>,
    wire: Wire,
    login: Option<Login>,
    selected: Option<Selected>,
    appending: Option<Appending>,
    idling: bool,
}

struct Selected {
    view: View,
    watch: watch::Receiver<()>,
}

struct Appending {
    tag: Tag<'static>,
    draft: Box<dyn Draft>,
    delivery: Delivery,
}

/// What a command's tagged OK says.
type Done = Result<RespText, Failed>;

fn ok(text: &str) -> Done {
    Ok(RespText::new(text))
}

impl Session {
    async fn handle(&mut self, event: ServerEvent) -> Result<(), Ended> {
        match event {
            ServerEvent::Login { tag, credentials } => self.log_in(&tag, &credentials).await,
            ServerEvent::Command { tag, command } => return self.command(&tag, command).await,
            ServerEvent::Append { tag, append } => {
                if let Err(failed) = self.append(tag.clone(), &append).await {
                    return self.finish(&tag, Err(failed));
                }
            }
            ServerEvent::Chunk(data) => return self.append_chunk(data).await,
            ServerEvent::AppendEnd { tag, .. } => {
                let done = self.append_end().await;
                // The message may be one of the selected mailbox.
                self.update().await?;
                return self.finish(&tag, done);
            }
            ServerEvent::AppendAborted { .. } => self.appending = None,
            ServerEvent::Idle { .. } => {
                self.idling = true;
                return self.update().await;
            }
            ServerEvent::IdleEnd => self.idling = false,
            ServerEvent::Encrypted => self.login = None,
            _ => {}
        }
        Ok(())
    }

    async fn log_in(&mut self, tag: &Tag<'_>, credentials: &Credentials) {
        self.login = self.house.accounts.verify(credentials).await;
        match &self.login {
            Some(login) => {
                tracing::info!(user = login.name, "logged in");
                self.wire
                    .done(tag, Condition::Ok, RespText::new("Logged in"));
            }
            None => {
                tracing::warn!("authentication failed");
                let text = RespText::new("Wrong name or password");
                let text = text.with(Code::AuthenticationFailed);
                self.wire.done(tag, Condition::No, text);
            }
        }
    }

    /// Ends a command, unless the connection ended first.
    fn finish(&mut self, tag: &Tag<'_>, done: Done) -> Result<(), Ended> {
        let (condition, text) = match done {
            Ok(text) => (Condition::Ok, text),
            Err(Failed::No(text)) => (Condition::No, text),
            Err(Failed::Bad(text)) => (Condition::Bad, text),
            Err(Failed::Ended(ended)) => return Err(ended),
        };
        self.wire.done(tag, condition, text);
        Ok(())
    }

    async fn command(&mut self, tag: &Tag<'_>, command: Command<'_>) -> Result<(), Ended> {
        let done = match command {
            Command::Select(mailbox) => return self.select(tag, name(&mailbox), false).await,
            Command::Examine(mailbox) => return self.select(tag, name(&mailbox), true).await,
            Command::Fetch(fetch) => self.fetch(&fetch).await,
            Command::Search(search) => self.search(&search).await,
            Command::Store(store) => self.store_flags(&store).await,
            Command::Copy(copy) => self.copy(&copy, false).await,
            Command::Move(copy) => self.copy(&copy, true).await,
            Command::Expunge => self.expunge(None).await,
            Command::UidExpunge(set) => self.expunge(Some(&set)).await,
            Command::Close => self.close().await,
            Command::Unselect => {
                self.selected = None;
                ok("Unselected")
            }
            Command::Noop => ok("Nothing done"),
            // What is said was stored is stored.
            Command::Check => ok("Checked"),
            other => self.on_mailboxes(other).await,
        };
        if let Err(Failed::Ended(ended)) = done {
            return Err(ended);
        }
        self.update().await?;
        self.finish(tag, done)
    }

    fn user(&self) -> Result<UserId, Failed> {
        // The machine lets no such command through.
        let login = self
            .login
            .as_ref()
            .ok_or_else(|| Failed::bad("Log in first"))?;
        Ok(login.user)
    }

    fn view(&mut self) -> Result<&mut View, Failed> {
        let selected = self.selected.as_mut();
        selected
            .map(|s| &mut s.view)
            .ok_or_else(|| Failed::bad("Select a mailbox first"))
    }

    async fn on_mailboxes(&mut self, command: Command<'_>) -> Done {
        let (user, house) = (self.user()?, Arc::clone(&self.house));
        let store = &house.store;
        match command {
            Command::List { reference, pattern } => {
                let all = store.mailboxes(user).await?;
                for line in mailbox::list(&all, &reference, &pattern)? {
                    self.wire.put(&line).await?;
                }
                ok("Listed")
            }
            Command::Lsub { reference, pattern } => {
                let all = store.mailboxes(user).await?;
                for line in mailbox::lsub(&all, &reference, &pattern)? {
                    self.wire.put(&line).await?;
                }
                ok("Listed")
            }
            Command::Status {
                mailbox,
                attributes,
            } => {
                let status = store.status(user, name(&mailbox)?).await?;
                let data = mailbox::status(&mailbox, &attributes, &status);
                self.wire.put(&data).await?;
                ok("Status told")
            }
            Command::Create(mailbox) => {
                store.create(user, name(&mailbox)?).await?;
                ok("Created")
            }
            Command::Delete(mailbox) => {
                store.delete(user, name(&mailbox)?).await?;
                ok("Deleted")
            }
            Command::Rename { from, to } => {
                store.rename(user, name(&from)?, name(&to)?).await?;
                ok("Renamed")
            }
            Command::Subscribe(mailbox) => {
                store.subscribe(user, name(&mailbox)?, true).await?;
                ok("Subscribed")
            }
            Command::Unsubscribe(mailbox) => {
                store.subscribe(user, name(&mailbox)?, false).await?;
                ok("Unsubscribed")
            }
            _ => Err(Failed::bad("This server does not know that command")),
        }
    }

    async fn select(
        &mut self,
        tag: &Tag<'_>,
        name: Result<MailboxName, StoreError>,
        read_only: bool,
    ) -> Result<(), Ended> {
        // Whatever comes of it, what was selected is not any more (RFC 3501 6.3.1).
        self.selected = None;
        let open = async {
            let (user, name) = (self.user()?, name?);
            Ok(self.house.store.open(user, name, !read_only).await?)
        };
        let opened = match open.await {
            Ok(opened) => opened,
            Err(failed) => return self.finish(tag, Err(failed)),
        };
        let mut watch = self.house.store.watch(opened.id);
        // Something may have happened between the two: look at the next occasion.
        watch.mark_changed();
        let view = View::new(opened.clone(), read_only);
        self.wire.selected(tag, &mailbox::selected(&opened, &view));
        self.selected = Some(Selected { view, watch });
        Ok(())
    }

    /// Tells what others did to the selected mailbox, as far as it may be told now.
    async fn update(&mut self) -> Result<(), Ended> {
        let Some(selected) = &mut self.selected else {
            return Ok(());
        };
        let may_expunge = self.wire.machine().may_expunge();
        let view = &mut selected.view;
        let news = selected.watch.has_changed().unwrap_or(true);
        if !news && !view.is_behind(may_expunge) {
            return Ok(());
        }
        selected.watch.borrow_and_update();
        let claim = !view.read_only;
        let asked = self
            .house
            .store
            .changes(view.mailbox, view.modseq(), claim)
            .await;
        let changes = match asked {
            Ok(changes) => changes,
            Err(StoreError::Gone) => {
                // Somebody deleted the mailbox; nothing can be said of it any more.
                let text = RespText::new("The mailbox was deleted");
                self.wire.machine().shutdown(text);
                self.selected = None;
                return Ok(());
            }
            Err(error) => {
                // It is told another time.
                tracing::warn!(%error, "could not look for changes");
                return Ok(());
            }
        };
        for update in view.apply(changes, may_expunge) {
            let data = match update {
                Update::Expunge(n) => Data::Expunge(number(n)),
                Update::Exists(n) => Data::Exists(n),
                Update::Recent(n) => Data::Recent(n),
                Update::Flags { number, uid, flags } => {
                    fetched(number, uid, &flags, view.is_recent(uid), false)
                }
            };
            self.wire.put(&data).await?;
        }
        Ok(())
    }

    async fn append(&mut self, tag: Tag<'static>, append: &Append<'_>) -> Result<(), Failed> {
        let (user, mailbox) = (self.user()?, name(&append.mailbox)?);
        let all = self.house.store.mailboxes(user).await?;
        if !all.iter().any(|l| l.exists && l.name == mailbox) {
            return Err(Failed::try_create(StoreError::NoMailbox));
        }
        let now = i64::try_from(self.house.now()).unwrap_or_default();
        let delivery = Delivery {
            user,
            mailbox,
            flags: flags(&append.flags)?,
            received: Received {
                seconds: append.date.map_or(now, |date| date.to_unix()),
                zone: append.date.map_or(0, |date| date.zone()),
            },
        };
        if let Err(misuse) = self.wire.machine().accept_append(&tag) {
            tracing::error!(%misuse, "an APPEND was accepted out of turn");
        }
        let draft = self.house.store.draft();
        self.appending = Some(Appending {
            tag,
            draft,
            delivery,
        });
        Ok(())
    }

    async fn append_chunk(&mut self, data: Bytes) -> Result<(), Ended> {
        let Some(appending) = &mut self.appending else {
            return Ok(()); // it was refused, and this was on its way
        };
        if let Err(error) = appending.draft.write(data).await {
            let tag = appending.tag.clone();
            self.appending = None;
            return self.finish(&tag, Err(error.into()));
        }
        Ok(())
    }

    async fn append_end(&mut self) -> Done {
        let appending = self.appending.take();
        let Appending {
            draft, delivery, ..
        } = appending.ok_or_else(|| Failed::no("The message was lost, try again"))?;
        let delivered = draft.deliver(Bytes::new(), vec![delivery]).await;
        let delivered = delivered.map_err(Failed::try_create)?;
        let mut text = RespText::new("Appended");
        if let Some(copy) = delivered.first() {
            text = text.with(Code::AppendUid {
                uid_validity: number(copy.uid_validity),
                uids: SequenceSet::one(number(copy.uid)),
            });
        }
        Ok(text)
    }
}

/// A message's flags as the store keeps them.
fn flags(given: &[Flag<'_>]) -> Result<Flags, StoreError> {
    let mut flags = Flags::new();
    for flag in given {
        flags.insert(&flag.to_string())?;
    }
    Ok(flags)
}

/// A message's flags as the client hears them.
fn told(flags: &Flags, recent: bool) -> Vec<Flag<'static>> {
    let flag = |name: &str| Flag::new(name).ok().map(Flag::into_owned);
    let mut told: Vec<_> = flags.names().filter_map(flag).collect();
    if recent {
        told.push(Flag::Recent);
    }
    told
}

/// A FETCH response of flags.
fn fetched(n: u32, uid: u32, flags: &Flags, recent: bool, with_uid: bool) -> Data {
    let mut items = vec![FetchItem::Flags(told(flags, recent))];
    if with_uid {
        items.push(FetchItem::Uid(number(uid)));
    }
    Data::Fetch(Fetch {
        number: NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN),
        items,
    })
}
