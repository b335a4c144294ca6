//! The commands a caller gives, and when they go out.

use alloc::vec::Vec;

use super::{
    Client, ClientEvent, Handle, Kind, NotSent, Phase, Refusal, Rejected, Sent, TransactionStage,
};
use crate::{Argument, Body, Command, Extension, Mail, Parameters, Rcpt};

impl Client {
    /// MAIL: begins a transaction. `mail.body` says what the content *is*; `mail.size`
    /// how large, as far as known. Both are checked against what the server offers,
    /// and only sent if it knows them.
    ///
    /// A transaction before it that came to nothing is reset first.
    ///
    /// # Errors
    ///
    /// [`Rejected`]: [`Refusal::Unsupported`] for 8-bit content (or another parameter)
    /// that the server does not take, [`Refusal::TooLarge`], or out of turn.
    #[allow(clippy::result_large_err)] // the command comes back
    pub fn mail<'a>(&mut self, mail: Mail<'a>) -> Result<Handle, Rejected<Mail<'a>>> {
        if let Err(why) = self.check_mail(&mail) {
            return Err(Rejected { command: mail, why });
        }
        if self.stage == TransactionStage::Stale {
            self.submit(Kind::Rset, |out| Command::Rset.encode(out));
        }
        self.transaction = self.transaction.wrapping_add(1);
        self.stage = TransactionStage::Mail;
        self.eight_bit = mail.body == Some(Body::EightBitMime);
        let mut mail = mail;
        if !self.capabilities.has(Extension::EightBitMime) {
            mail.body = None; // 7BIT, which goes without saying
        }
        if !self.capabilities.has(Extension::Size) {
            mail.size = None;
        }
        let command = Command::Mail(mail);
        Ok(self.submit(Kind::Mail, |out| command.encode(out)))
    }

    fn check_mail(&mut self, mail: &Mail<'_>) -> Result<(), Refusal> {
        self.ready_for_commands()?;
        if !matches!(self.stage, TransactionStage::Idle | TransactionStage::Stale) {
            return Err(Refusal::TransactionOpen);
        }
        let can = &self.capabilities;
        let needs = |extension| match can.has(extension) {
            true => Ok(()),
            false => Err(Refusal::Unsupported(extension)),
        };
        if mail.body == Some(Body::EightBitMime) {
            needs(Extension::EightBitMime)?;
        }
        if mail.auth.is_some() {
            needs(Extension::Auth)?;
        }
        self.check_parameters(&mail.parameters)?;
        if let (Some(size), Some(limit)) = (mail.size, can.size())
            && size > limit
        {
            return Err(Refusal::TooLarge { size, limit });
        }
        self.room_for_command()
    }

    /// Parameters of extensions known here need the server to offer them; others are
    /// the caller's to know.
    fn check_parameters(&self, parameters: &Parameters<'_>) -> Result<(), Refusal> {
        for (keyword, _) in parameters.iter() {
            let extension = match keyword {
                k if ["RET", "ENVID", "NOTIFY", "ORCPT"]
                    .iter()
                    .any(|d| d.eq_ignore_ascii_case(k)) =>
                {
                    Extension::Dsn
                }
                k if k.eq_ignore_ascii_case("BY") => Extension::DeliverBy,
                k => match Extension::from_keyword(k.as_bytes()) {
                    Some(extension) => extension,
                    None => continue,
                },
            };
            if !self.capabilities.has(extension) {
                return Err(Refusal::Unsupported(extension));
            }
        }
        Ok(())
    }

    /// RCPT: one more recipient. Each has a reply of its own; one that is refused
    /// changes nothing for the others.
    ///
    /// # Errors
    ///
    /// [`Rejected`]: outside of a transaction, or out of turn.
    #[allow(clippy::result_large_err)] // the command comes back
    pub fn rcpt<'a>(&mut self, rcpt: Rcpt<'a>) -> Result<Handle, Rejected<Rcpt<'a>>> {
        if let Err(why) = self.check_rcpt(&rcpt) {
            return Err(Rejected { command: rcpt, why });
        }
        self.stage = TransactionStage::Rcpt;
        let command = Command::Rcpt(rcpt);
        Ok(self.submit(Kind::Rcpt, |out| command.encode(out)))
    }

    fn check_rcpt(&mut self, rcpt: &Rcpt<'_>) -> Result<(), Refusal> {
        self.ready_for_commands()?;
        if !matches!(self.stage, TransactionStage::Mail | TransactionStage::Rcpt) {
            return Err(Refusal::NoTransaction);
        }
        self.check_parameters(&rcpt.parameters)?;
        self.room_for_command()
    }

    /// DATA: asks to send the message, once the recipients are named. It may be given
    /// before they are answered. Then comes [`ClientEvent::Body`]; or, if the server
    /// took no recipient, [`ClientEvent::NotSent`]; or the server's refusal.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: without a recipient, or out of turn.
    pub fn data(&mut self) -> Result<Handle, Refusal> {
        self.ready_for_commands()?;
        if self.stage != TransactionStage::Rcpt {
            return Err(Refusal::NoTransaction);
        }
        self.room_for_command()?;
        self.stage = TransactionStage::Data;
        Ok(self.submit(Kind::Data, |out| Command::Data.encode(out)))
    }

    /// RSET: the transaction, if any, is forgotten.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: once DATA was given, or out of turn.
    pub fn rset(&mut self) -> Result<Handle, Refusal> {
        self.between_messages()?;
        self.stage = TransactionStage::Idle;
        Ok(self.submit(Kind::Plain, |out| Command::Rset.encode(out)))
    }

    /// NOOP: whether the server is still there.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: once DATA was given, or out of turn.
    pub fn noop(&mut self) -> Result<Handle, Refusal> {
        self.between_messages()?;
        Ok(self.submit(Kind::Barrier, |out| Command::Noop(None).encode(out)))
    }

    /// VRFY: whether the server knows `who`.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: once DATA was given, or out of turn.
    pub fn vrfy(&mut self, who: &Argument<'_>) -> Result<Handle, Refusal> {
        self.between_messages()?;
        let command = Command::Vrfy(who.clone());
        Ok(self.submit(Kind::Barrier, |out| command.encode(out)))
    }

    /// QUIT, behind all commands given before. A transaction without its message is
    /// given up.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: while a message is asked for or sent, or out of turn.
    pub fn quit(&mut self) -> Result<Handle, Refusal> {
        self.ready_for_commands()?;
        if matches!(self.stage, TransactionStage::Data | TransactionStage::Body) {
            return Err(Refusal::TransactionOpen);
        }
        // There is always room for the end.
        self.phase = Phase::Quitting;
        self.wants_room = false;
        Ok(self.submit(Kind::Quit, |out| Command::Quit.encode(out)))
    }

    fn between_messages(&mut self) -> Result<(), Refusal> {
        self.ready_for_commands()?;
        if matches!(self.stage, TransactionStage::Data | TransactionStage::Body) {
            return Err(Refusal::TransactionOpen);
        }
        self.room_for_command()
    }

    pub(super) fn ready_for_commands(&self) -> Result<(), Refusal> {
        match self.phase {
            _ if self.error.is_some() || self.ended => Err(Refusal::Closing),
            Phase::Start | Phase::Handshake | Phase::Upgrade => Err(Refusal::NotReady),
            Phase::Ready => Ok(()),
            Phase::Quitting | Phase::Closed => Err(Refusal::Closing),
        }
    }

    pub(super) fn room_for_command(&mut self) -> Result<(), Refusal> {
        if self.has_room() {
            self.wants_room = false;
            return Ok(());
        }
        self.wants_room = true;
        Err(Refusal::NoRoom)
    }

    /// Sends a command, or lets it wait for its turn.
    pub(super) fn submit(&mut self, kind: Kind, encode: impl FnOnce(&mut Vec<u8>)) -> Handle {
        let handle = Handle(self.next_handle);
        self.next_handle = self.next_handle.wrapping_add(1);
        let entry = Sent {
            kind,
            handle,
            transaction: self.transaction,
        };
        if self.waiting.is_empty() && self.may_send() && !self.is_pointless(entry) {
            let tail = self.out.tail();
            // Room for a usual command at once, not in steps.
            tail.reserve(64);
            encode(tail);
            self.note_sent(entry);
        } else {
            let mut line = Vec::new();
            encode(&mut line);
            self.waiting.push_back((entry, line));
            self.pump();
        }
        handle
    }

    /// Sends what waited and may go now, and tells of what will not.
    pub(super) fn pump(&mut self) {
        while self.may_send() {
            let Some((entry, line)) = self.waiting.pop_front() else {
                break;
            };
            if self.is_pointless(entry) {
                if entry.kind == Kind::Data && self.transaction == entry.transaction {
                    self.give_up_transaction();
                }
                self.not_sent(entry);
                continue;
            }
            self.out.push(&line);
            self.note_sent(entry);
        }
        if self.sent.is_empty() && self.sent.capacity() > 64 {
            self.sent = alloc::collections::VecDeque::new();
        }
    }

    fn note_sent(&mut self, entry: Sent) {
        self.restart |= self.sent.is_empty();
        self.sent.push_back(entry);
        self.flushed = false;
    }

    /// Whether a command may be sent now: at any time if nothing is unanswered, else
    /// if the server lets commands follow and the last one does not forbid it.
    fn may_send(&self) -> bool {
        match self.sent.back() {
            None => matches!(self.phase, Phase::Ready | Phase::Quitting),
            Some(last) => self.capabilities.has(Extension::Pipelining) && !last.kind.ends_a_group(),
        }
    }

    /// Whether the answers so far make it pointless to send this.
    fn is_pointless(&self, entry: Sent) -> bool {
        let known = self.answers.transaction == entry.transaction;
        match entry.kind {
            Kind::Rcpt => known && self.answers.mail_refused,
            // Unanswered recipients may still be accepted.
            Kind::Data => {
                known
                    && self.sent.is_empty()
                    && (self.answers.mail_refused || self.answers.recipients == 0)
            }
            _ => false,
        }
    }

    /// The transaction of the caller will have no message.
    pub(super) fn give_up_transaction(&mut self) {
        self.stage = if self.answers.mail_refused {
            TransactionStage::Idle
        } else {
            TransactionStage::Stale
        };
    }

    /// Tells that what `entry` stands for does not go out.
    pub(super) fn not_sent(&mut self, entry: Sent) {
        let why = if self.answers.mail_refused {
            NotSent::MailRefused
        } else {
            NotSent::NoRecipients
        };
        let handle = entry.handle;
        self.events.push_back(ClientEvent::NotSent { handle, why });
    }
}
