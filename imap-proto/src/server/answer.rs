//! What the caller says.

use bytes::Bytes;
use scop_core::{Counted, Misuse};

use super::{Phase, Refused, Selected, Server, State};
use crate::{
    command::Verb,
    response::{Code, Condition, Data, RespText, Response, Text},
    types::Tag,
};

impl Server {
    /// Says one untagged response: the answer to a command under way, or what
    /// happened in the selected mailbox.
    ///
    /// A FETCH may hold [`Value::Streamed`](crate::response::Value::Streamed) items:
    /// their bytes follow with [`body`](Self::body), and until all came, other
    /// responses wait behind it, up to `limits.held` bytes.
    ///
    /// # Errors
    ///
    /// [`Refused::Full`]: say it again after
    /// [`ServerEvent::Room`](super::ServerEvent::Room). [`Refused::Misuse`] for an
    /// EXPUNGE when [`may_expunge`](Self::may_expunge) says no, for news of a mailbox
    /// when none is selected, and for anything else when no command is under way.
    pub fn data(&mut self, data: &Data) -> Result<(), Refused> {
        self.alive()?;
        let misuse = match data {
            Data::Expunge(_) if !self.may_expunge() => Misuse {
                what: "an EXPUNGE that must not be told now",
                help: "keep it until may_expunge() (RFC 3501 7.4.1)",
            },
            Data::Expunge(_)
            | Data::Exists(_)
            | Data::Recent(_)
            | Data::Flags(_)
            | Data::Fetch(_)
                if self.state == State::Selected || self.is_selecting() =>
            {
                return self.output.data(data);
            }
            Data::Exists(_) | Data::Recent(_) | Data::Flags(_) | Data::Fetch(_) => Misuse {
                what: "news of a mailbox, and none is selected",
                help: "say it after SELECT",
            },
            _ if self.pending.is_empty() => Misuse {
                what: "an answer to no command",
                help: "say data before done()",
            },
            _ => return self.output.data(data),
        };
        Err(misuse.into())
    }

    /// Bytes for the streamed values of the FETCH that was said last, in order: takes
    /// what fits off the front of `data`. If something is left,
    /// [`ServerEvent::Room`](super::ServerEvent::Room) says when to call again. A NUL,
    /// which no literal may have (RFC 3501 4.3.1), leaves as 0x80.
    ///
    /// # Errors
    ///
    /// [`Misuse`] for more bytes than were announced, nothing then being taken.
    pub fn body(&mut self, data: &mut Bytes) -> Result<(), Misuse> {
        self.alive()?;
        self.output.body(data)
    }

    /// Bytes that [`body`](Self::body) is owed.
    #[must_use]
    pub fn body_left(&self) -> u64 {
        self.output.owed()
    }

    /// Says an untagged `OK`, `NO` or `BAD`: a warning, a code such as UNSEEN.
    ///
    /// # Errors
    ///
    /// [`Refused`] as [`data`](Self::data), and for another condition.
    pub fn condition(&mut self, condition: Condition, text: RespText) -> Result<(), Refused> {
        self.alive()?;
        self.only_ok_no_bad(condition)?;
        if self.output.is_full() {
            return Err(self.output.refuse());
        }
        self.output.say(&Response::Condition { condition, text });
        Ok(())
    }

    /// A command is done. Whatever the outbox holds, this is taken.
    ///
    /// What follows of it happens: after `OK` a LOGIN has logged in (and is told the
    /// capabilities), a SELECT has selected, a CLOSE has not. A `NO` at
    /// [`ServerEvent::Append`](super::ServerEvent::Append), or while its message
    /// comes, throws the message away.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if no such command is under way, its message was not decided on or
    /// is not complete (for `OK`), a literal of its FETCH is, or the condition is none
    /// of `Ok`, `No`, `Bad`.
    pub fn done(
        &mut self,
        tag: &Tag<'_>,
        condition: Condition,
        text: RespText,
    ) -> Result<(), Misuse> {
        self.alive()?;
        self.only_ok_no_bad(condition)?;
        let Some(at) = self.pending.iter().position(|p| p.tag == *tag) else {
            return Err(Misuse {
                what: "done with a command that is not under way",
                help: "say done once, with the tag of the event",
            });
        };
        if self.output.is_open() && self.pending.len() == 1 {
            return Err(Misuse {
                what: "done in the middle of a literal",
                help: "give body() the bytes that were announced",
            });
        }
        let unread = matches!(
            self.phase,
            Phase::Decide { .. } | Phase::Body { .. } | Phase::Tail { .. }
        );
        if unread && condition == Condition::Ok {
            return Err(Misuse {
                what: "a message that did not come is stored",
                help: "accept_append(), and wait for AppendEnd",
            });
        }
        let ok = condition == Condition::Ok;
        let pending = self.pending.swap_remove(at);
        let mut text = text;
        match pending.verb {
            Verb::Login | Verb::Authenticate if ok => {
                self.state = State::Authenticated;
                self.timers.logged_in();
                if text.code.is_none() {
                    text = text.with(Code::Capability(self.capabilities()));
                }
            }
            Verb::Select | Verb::Examine if ok => self.state = State::Selected,
            Verb::Close | Verb::Unselect if ok => self.state = State::Authenticated,
            _ => {}
        }
        self.say_tagged(pending.tag, condition, text);
        if unread {
            self.throw_away();
        }
        if matches!(pending.verb, Verb::Login | Verb::Authenticate) && !ok {
            // The fault is kept, and told by the next read.
            let _ = self.count_failed_login();
        }
        Ok(())
    }

    /// The message at hand is not wanted.
    fn throw_away(&mut self) {
        match core::mem::replace(&mut self.phase, Phase::Command) {
            Phase::Decide { literal, .. } => {
                // The fault is kept, and told by the next read.
                let _ = self.skip_literal(literal);
            }
            Phase::Body { left, .. } => self.phase = Phase::Discard(left),
            Phase::Tail { .. } => self.phase = Phase::DiscardLine,
            other => self.phase = other,
        }
    }

    /// SELECT or EXAMINE succeeded: says all of it, and done.
    ///
    /// # Errors
    ///
    /// [`Misuse`] if `tag` is no SELECT or EXAMINE under way.
    pub fn select_done(&mut self, tag: &Tag<'_>, mailbox: &Selected) -> Result<(), Misuse> {
        self.alive()?;
        let verb = self.pending.iter().find(|p| p.tag == *tag).map(|p| p.verb);
        let read_only = match verb {
            Some(Verb::Select) => mailbox.read_only,
            Some(Verb::Examine) => true,
            _ => {
                return Err(Misuse {
                    what: "select_done for another command",
                    help: "say it with the tag of a SELECT or EXAMINE under way",
                });
            }
        };
        let out = &mut self.output;
        let mut note = |code, text| {
            let text = RespText::new(text).with(code);
            out.say(&Response::Condition {
                condition: Condition::Ok,
                text,
            });
        };
        if let Some(first) = mailbox.unseen {
            note(Code::Unseen(first), "the first unseen");
        }
        let permanent = if read_only {
            alloc::vec::Vec::new()
        } else {
            mailbox.permanent_flags.clone()
        };
        note(Code::PermanentFlags(permanent), "can be changed");
        note(Code::UidValidity(mailbox.uid_validity), "UIDs are valid");
        note(Code::UidNext(mailbox.uid_next), "the next UID");
        for data in [
            Data::Flags(mailbox.flags.clone()),
            Data::Exists(mailbox.exists),
            Data::Recent(mailbox.recent),
        ] {
            self.output.say(&Response::Data(data));
        }
        let code = if read_only {
            Code::ReadOnly
        } else {
            Code::ReadWrite
        };
        self.done(tag, Condition::Ok, RespText::new("selected").with(code))
    }

    /// The announced message shall come.
    ///
    /// # Errors
    ///
    /// [`Misuse`] unless `tag` is that of the last event, an
    /// [`ServerEvent::Append`](super::ServerEvent::Append).
    pub fn accept_append(&mut self, tag: &Tag<'_>) -> Result<(), Misuse> {
        self.alive()?;
        match &self.phase {
            Phase::Decide { tag: due, literal } if due == tag => {
                let (tag, literal) = (due.clone(), *literal);
                if literal.is_sync() {
                    self.output.say(&Response::Continue(Text::lossy("OK")));
                }
                // The pace is that of the message.
                self.counted = self.taken;
                self.phase = Phase::Body {
                    tag,
                    size: literal.size(),
                    left: Counted::new(literal.size()),
                };
                Ok(())
            }
            _ => Err(Misuse {
                what: "no message is announced under this tag",
                help: "accept_append() once, at the Append event",
            }),
        }
    }

    /// Whether EXPUNGE may be told now: a mailbox is selected; the client idles or a
    /// command is under way; and none is that names messages by number (RFC 3501
    /// section 7.4.1: FETCH, STORE, SEARCH).
    #[must_use]
    pub fn may_expunge(&self) -> bool {
        self.state == State::Selected
            && (self.is_idling() || !self.pending.is_empty())
            && !self.pending.iter().any(|p| p.verb.forbids_expunge())
    }

    fn is_selecting(&self) -> bool {
        let selects = |verb| matches!(verb, Verb::Select | Verb::Examine);
        self.pending.iter().any(|p| selects(p.verb))
    }

    /// Ends the connection: commands under way may be completed, then `BYE` with
    /// this text is said. Call `read` afterwards.
    pub fn shutdown(&mut self, text: RespText) {
        self.closing = Some(alloc::boxed::Box::new(text));
    }

    fn alive(&self) -> Result<(), Misuse> {
        if self.state == State::Logout {
            return Err(Misuse {
                what: "the connection is over",
                help: "say nothing after Closed or an error",
            });
        }
        Ok(())
    }

    fn only_ok_no_bad(&self, condition: Condition) -> Result<(), Misuse> {
        match condition {
            Condition::Ok | Condition::No | Condition::Bad => Ok(()),
            Condition::Preauth | Condition::Bye => Err(Misuse {
                what: "PREAUTH or BYE",
                help: "say OK, NO or BAD; shutdown() says BYE",
            }),
        }
    }
}
