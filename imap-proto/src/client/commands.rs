//! What a caller asks a client to do.

use alloc::{boxed::Box, vec::Vec};

use bytes::Bytes;
use scop_core::Misuse;
use scop_sasl::{Credentials, Mechanism};

use super::{Client, Exchange, Handle, Idle, Phase, Refusal, Rejected, State, pipeline::Effects};
use crate::{
    command::{
        Append, Authenticate, Command, Copy, Fetch, FetchAttribute, Login, Search, SearchKey,
        StatusAttribute, Store, StoreAction, Verb,
    },
    types::{Atom, Capability, Chars, Flag, Mailbox, Pattern, SequenceSet},
};

/// A command's [`Handle`], or the command back.
pub type Taken = Result<Handle, Rejected>;

impl Client {
    /// Takes a command. It is sent at once, or when those before it allow.
    ///
    /// AUTHENTICATE and STARTTLS are not commands to send: see
    /// [`authenticate`](Self::authenticate) and [`Config::tls`](super::Config::tls).
    ///
    /// # Errors
    ///
    /// [`Rejected`] with the [`Refusal`]; nothing changed.
    pub fn send(&mut self, command: Command<'_>) -> Taken {
        let why = match self.check(&command) {
            Err(why) => why,
            Ok(()) if matches!(command, Command::Authenticate(_)) => Refusal::Form,
            Ok(()) => return Ok(self.accept(command)),
        };
        Err(Rejected {
            command: Box::new(command.into_owned()),
            why,
        })
    }

    fn accept(&mut self, command: Command<'_>) -> Handle {
        self.latest += 1;
        let effects = Effects::of(&command);
        self.waiting
            .push_back((self.latest, command.into_owned(), effects));
        self.release();
        Handle(self.latest)
    }

    fn check(&self, command: &Command<'_>) -> Result<(), Refusal> {
        match self.phase {
            Phase::Ready => {}
            Phase::Closed | Phase::Failed(_) => return Err(Refusal::State),
            _ => return Err(Refusal::NotReady),
        }
        is_well_formed(command)?;
        let verb = command.verb();
        if !self.allows(verb) {
            return Err(Refusal::State);
        }
        let under_way = self.under_way.iter().map(|f| &f.effects);
        let waiting = self.waiting.iter().map(|(_, _, effects)| effects);
        if under_way.chain(waiting).any(|effects| effects.alone) {
            return Err(Refusal::Busy);
        }
        if self.pending() >= self.config.limits.commands {
            return Err(Refusal::TooMany);
        }
        let needed = NEEDS.iter().find(|(v, _)| *v == verb);
        if needed.is_some_and(|(_, capability)| !self.offers(capability)) {
            return Err(Refusal::NotOffered);
        }
        if verb == Verb::Login {
            if !self.may_show_password() {
                return Err(Refusal::NotEncrypted);
            }
            if self.offers(&Capability::LoginDisabled) {
                return Err(Refusal::LoginDisabled);
            }
        }
        Ok(())
    }

    fn may_show_password(&self) -> bool {
        self.is_encrypted() || self.config.allow_plaintext_auth
    }

    /// The states of RFC 3501 section 3.
    fn allows(&self, verb: Verb) -> bool {
        use State::{Authenticated, Logout, NotAuthenticated, Selected};
        match verb {
            Verb::Capability | Verb::Noop | Verb::Id | Verb::Logout => self.state != Logout,
            Verb::Login | Verb::Authenticate => self.state == NotAuthenticated,
            // RFC 5161 section 3.1: before a mailbox is selected.
            Verb::Enable => self.state == Authenticated,
            Verb::Select
            | Verb::Examine
            | Verb::Create
            | Verb::Delete
            | Verb::Rename
            | Verb::Subscribe
            | Verb::Unsubscribe
            | Verb::List
            | Verb::Lsub
            | Verb::Status
            | Verb::Append
            | Verb::Namespace
            | Verb::Idle => matches!(self.state, Authenticated | Selected { .. }),
            _ => matches!(self.state, Selected { .. }),
        }
    }

    /// Logs in by the best mechanism that both sides know, its first message on the
    /// command where the server takes that (`SASL-IR`).
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send), with [`Refusal::NoMechanism`] if none is
    /// offered ([`login`](Self::login) may still do).
    pub fn authenticate(&mut self, credentials: Credentials) -> Taken {
        let all = self.capabilities();
        let offered = all.iter().filter_map(|c| match c {
            Capability::Auth(name) => Some(name.as_str().as_bytes()),
            _ => None,
        });
        match Mechanism::choose(offered) {
            Some(mechanism) => self.authenticate_with(mechanism, credentials),
            None => Err(rejected(Mechanism::Plain, Refusal::NoMechanism)),
        }
    }

    /// Logs in by `mechanism`, whether or not the server says that it offers it.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn authenticate_with(&mut self, mechanism: Mechanism, credentials: Credentials) -> Taken {
        let name = Atom::known(mechanism.name());
        let bare = Command::Authenticate(Authenticate::new(name.clone(), None));
        if let Err(why) = self.check(&bare) {
            return Err(rejected(mechanism, why));
        }
        if mechanism.exposes_password() && !self.may_show_password() {
            return Err(rejected(mechanism, Refusal::NotEncrypted));
        }
        let mut sasl = scop_sasl::Client::new(mechanism, credentials);
        let Ok(mut initial) = sasl.start() else {
            return Err(rejected(mechanism, Refusal::Form));
        };
        let command = if self.offers(&Capability::SaslIr) && initial.is_some() {
            Command::Authenticate(Authenticate::new(name, initial.take().as_ref()))
        } else {
            bare
        };
        self.exchange = Some(Exchange {
            sasl,
            initial,
            cancelled: false,
        });
        Ok(self.accept(command))
    }

    /// `LOGIN`: for servers that offer no mechanism that is known.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send); [`Refusal::Form`] for credentials to act
    /// as somebody else, which LOGIN cannot carry.
    pub fn login(&mut self, credentials: &Credentials) -> Taken {
        let user = credentials.authcid().as_bytes();
        match Login::new(user, credentials.password().clone()) {
            Ok(login) if credentials.authzid().is_none() => self.send(Command::Login(login)),
            _ => Err(rejected(Mechanism::Plain, Refusal::Form)),
        }
    }

    /// Leaves IDLE; its [`Done`](super::Event::Done) follows. May be called before
    /// the server has accepted the IDLE.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no IDLE is under way, or this was called already.
    pub fn done(&mut self) -> Result<(), Misuse> {
        match self.idle {
            Idle::Asked(false) => self.idle = Idle::Asked(true),
            Idle::Since(_) | Idle::Due => {
                self.idle = Idle::Ending;
                self.moved = None;
                self.out.line(b"DONE");
            }
            Idle::No | Idle::Asked(true) | Idle::Ending => {
                return Err(Misuse {
                    what: "no IDLE to leave",
                    help: "call idle first, and done once",
                });
            }
        }
        Ok(())
    }

    /// Gives bytes of the message whose [`Body`](super::Event::Body) event came. Takes
    /// what there is room for off the front of `data`; if that was not all,
    /// [`Room`](super::Event::Room) tells when to call again. A [`Bytes`] of 2 KiB and
    /// more is passed on uncopied.
    ///
    /// All bytes that the APPEND announced must be given, also if its `Done` came
    /// early with a `No`: until then nothing else can be sent. To give up instead,
    /// [`abort`](Self::abort).
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no message is open, or `data` is longer than what is left of the
    /// announced size: nothing was taken.
    pub fn body(&mut self, data: &mut Bytes) -> Result<(), Misuse> {
        if self.out.outbox().is_empty() {
            self.moved = None;
        }
        self.out.body(data)?;
        self.wants_room = !data.is_empty();
        self.release();
        Ok(())
    }

    /// Bytes of the open message that are still to be given to [`body`](Self::body).
    #[must_use]
    pub fn body_left(&self) -> Option<u64> {
        self.out.owed()
    }

    /// Ends the connection at once: nothing more is sent or read, and a message that
    /// was begun is never completed.
    pub fn abort(&mut self) {
        if !matches!(self.phase, Phase::Failed(_)) {
            self.events.clear();
            self.out.clear();
            self.close();
        }
    }

    /// `CAPABILITY`. The client asks by itself where that is needed.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn capability(&mut self) -> Taken {
        self.send(Command::Capability)
    }

    /// `ID` (RFC 2971): who we are, in names and values; none is `NIL`.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn id(&mut self, fields: Vec<(Chars<'_>, Option<Chars<'_>>)>) -> Taken {
        self.send(Command::Id(Some(fields).filter(|f| !f.is_empty())))
    }

    /// `NOOP`: anything new?
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn noop(&mut self) -> Taken {
        self.send(Command::Noop)
    }

    /// `LOGOUT`. [`Bye`](super::Event::Bye), `Done` and the end follow.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn logout(&mut self) -> Taken {
        self.send(Command::Logout)
    }

    /// `ENABLE` (RFC 5161).
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn enable(&mut self, capabilities: Vec<Capability<'_>>) -> Taken {
        self.send(Command::Enable(capabilities))
    }

    /// `SELECT`: messages of that mailbox, to read and change.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn select(&mut self, mailbox: Mailbox<'_>) -> Taken {
        self.send(Command::Select(mailbox))
    }

    /// `EXAMINE`: the same, read-only.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn examine(&mut self, mailbox: Mailbox<'_>) -> Taken {
        self.send(Command::Examine(mailbox))
    }

    /// `CREATE`.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn create(&mut self, mailbox: Mailbox<'_>) -> Taken {
        self.send(Command::Create(mailbox))
    }

    /// `DELETE`, with all that is in it.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn delete(&mut self, mailbox: Mailbox<'_>) -> Taken {
        self.send(Command::Delete(mailbox))
    }

    /// `RENAME`.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn rename(&mut self, from: Mailbox<'_>, to: Mailbox<'_>) -> Taken {
        self.send(Command::Rename { from, to })
    }

    /// `SUBSCRIBE`.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn subscribe(&mut self, mailbox: Mailbox<'_>) -> Taken {
        self.send(Command::Subscribe(mailbox))
    }

    /// `UNSUBSCRIBE`.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn unsubscribe(&mut self, mailbox: Mailbox<'_>) -> Taken {
        self.send(Command::Unsubscribe(mailbox))
    }

    /// `LIST` of what matches `pattern` under `reference`.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn list(&mut self, reference: Mailbox<'_>, pattern: Pattern<'_>) -> Taken {
        self.send(Command::List { reference, pattern })
    }

    /// `LSUB`: the same of subscriptions.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn lsub(&mut self, reference: Mailbox<'_>, pattern: Pattern<'_>) -> Taken {
        self.send(Command::Lsub { reference, pattern })
    }

    /// `STATUS` of a mailbox that is not selected.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn status(&mut self, mailbox: Mailbox<'_>, attributes: Vec<StatusAttribute>) -> Taken {
        self.send(Command::Status {
            mailbox,
            attributes,
        })
    }

    /// `NAMESPACE` (RFC 2342).
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn namespace(&mut self) -> Taken {
        self.send(Command::Namespace)
    }

    /// `APPEND`. [`Body`](super::Event::Body) tells when to give the message.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn append(&mut self, append: Append<'_>) -> Taken {
        self.send(Command::Append(append))
    }

    /// `IDLE` (RFC 2177): until [`done`](Self::done), the server tells what changes.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn idle(&mut self) -> Taken {
        self.send(Command::Idle)
    }

    /// `CHECK`.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn check_mailbox(&mut self) -> Taken {
        self.send(Command::Check)
    }

    /// `CLOSE`: leaves the mailbox, and takes deleted messages out of it.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn close_mailbox(&mut self) -> Taken {
        self.send(Command::Close)
    }

    /// `UNSELECT` (RFC 3691): leaves the mailbox as it is.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn unselect(&mut self) -> Taken {
        self.send(Command::Unselect)
    }

    /// `EXPUNGE`: takes deleted messages out of the mailbox.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn expunge(&mut self) -> Taken {
        self.send(Command::Expunge)
    }

    /// `UID EXPUNGE` (RFC 4315): the deleted ones of these alone.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn uid_expunge(&mut self, uids: SequenceSet) -> Taken {
        self.send(Command::UidExpunge(uids))
    }

    /// `SEARCH`: the numbers of the messages for which all `keys` hold. Strings that
    /// are not ASCII are taken for UTF-8, and said to be.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn search(&mut self, keys: Vec<SearchKey<'_>>) -> Taken {
        self.send(Command::Search(search(keys, false)))
    }

    /// `UID SEARCH`: the same, with UIDs for an answer.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn uid_search(&mut self, keys: Vec<SearchKey<'_>>) -> Taken {
        self.send(Command::Search(search(keys, true)))
    }

    /// `FETCH` by message numbers.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn fetch(&mut self, set: SequenceSet, attributes: Vec<FetchAttribute>) -> Taken {
        self.send(Command::Fetch(Fetch {
            set,
            attributes,
            uid: false,
        }))
    }

    /// `UID FETCH`.
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn uid_fetch(&mut self, set: SequenceSet, attributes: Vec<FetchAttribute>) -> Taken {
        self.send(Command::Fetch(Fetch {
            set,
            attributes,
            uid: true,
        }))
    }

    /// `UID STORE` of flags; the server tells the new ones. For `STORE` or `.SILENT`:
    /// [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn uid_store(
        &mut self,
        set: SequenceSet,
        action: StoreAction,
        flags: Vec<Flag<'_>>,
    ) -> Taken {
        self.send(Command::Store(Store {
            set,
            action,
            silent: false,
            flags,
            uid: true,
        }))
    }

    /// `UID COPY`. For `COPY`: [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn uid_copy(&mut self, set: SequenceSet, mailbox: Mailbox<'_>) -> Taken {
        let uid = true;
        self.send(Command::Copy(Copy { set, mailbox, uid }))
    }

    /// `UID MOVE` (RFC 6851). For `MOVE`: [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// [`Rejected`] as [`send`](Self::send).
    pub fn uid_move(&mut self, set: SequenceSet, mailbox: Mailbox<'_>) -> Taken {
        let uid = true;
        self.send(Command::Move(Copy { set, mailbox, uid }))
    }
}

/// Which capability a command needs.
const NEEDS: &[(Verb, Capability<'static>)] = &[
    (Verb::Id, Capability::Id),
    (Verb::Enable, Capability::Enable),
    (Verb::Namespace, Capability::Namespace),
    (Verb::Idle, Capability::Idle),
    (Verb::Unselect, Capability::Unselect),
    (Verb::UidExpunge, Capability::UidPlus),
    (Verb::Move, Capability::Move),
    (Verb::UidMove, Capability::Move),
];

fn is_well_formed(command: &Command<'_>) -> Result<(), Refusal> {
    let well = match command {
        Command::StartTls | Command::Unknown(_) => false,
        Command::Enable(all) => !all.is_empty(),
        Command::Status { attributes, .. } => !attributes.is_empty(),
        Command::Fetch(fetch) => !fetch.attributes.is_empty(),
        Command::Store(store) => store.flags.iter().all(Flag::is_settable),
        Command::Append(append) => append.flags.iter().all(Flag::is_settable),
        _ => true,
    };
    if well { Ok(()) } else { Err(Refusal::Form) }
}

fn rejected(mechanism: Mechanism, why: Refusal) -> Rejected {
    let name = Atom::known(mechanism.name());
    Rejected {
        command: Box::new(Command::Authenticate(Authenticate::new(name, None))),
        why,
    }
}

fn search(keys: Vec<SearchKey<'_>>, uid: bool) -> Search<'_> {
    let eight_bit = keys.iter().any(has_eight_bit);
    let charset = Chars::new(&b"UTF-8"[..]).ok().filter(|_| eight_bit);
    Search { charset, keys, uid }
}

fn has_eight_bit(key: &SearchKey<'_>) -> bool {
    match key {
        SearchKey::Bcc(text)
        | SearchKey::Body(text)
        | SearchKey::Cc(text)
        | SearchKey::From(text)
        | SearchKey::Subject(text)
        | SearchKey::Text(text)
        | SearchKey::To(text)
        | SearchKey::Header(_, text) => !text.as_bytes().is_ascii(),
        SearchKey::Not(key) => has_eight_bit(key),
        SearchKey::Or(a, b) => has_eight_bit(a) || has_eight_bit(b),
        SearchKey::And(keys) => keys.iter().any(has_eight_bit),
        _ => false,
    }
}
