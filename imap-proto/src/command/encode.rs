use super::{Append, Command, Copy, fetch::encode_flags};
use crate::types::{Mailbox, NonSync, Pieces, Tag};

impl Command<'_> {
    /// The command as bytes, for a server with `support`: the pieces say where to
    /// wait for `+`. Strings go bare, quoted or as literals, whichever is safe.
    ///
    /// An APPEND ends behind its announcement: the message follows by hand, then
    /// CRLF. An IDLE's `DONE` too is sent by hand.
    #[must_use]
    pub fn encode(&self, tag: &Tag<'_>, support: NonSync) -> Pieces {
        let mut pieces = Pieces::new(support);
        let out = &mut pieces;
        out.raw(tag.as_str().as_bytes());
        out.raw(b" ");
        match self {
            Command::Unknown(name) => out.raw(name.as_str().as_bytes()),
            known => out.raw(known.verb().name().as_bytes()),
        }
        if let Command::Append(append) = self {
            append.encode(out);
            return pieces;
        }
        self.encode_arguments(out);
        out.raw(b"\r\n");
        pieces
    }

    fn encode_arguments(&self, out: &mut Pieces) {
        match self {
            Command::Id(None) => out.raw(b" NIL"),
            Command::Id(Some(fields)) => {
                out.raw(b" (");
                for (i, (name, value)) in fields.iter().enumerate() {
                    out.raw(if i == 0 { b"" } else { b" " });
                    out.string(name.as_bytes());
                    out.raw(b" ");
                    match value {
                        Some(value) => out.string(value.as_bytes()),
                        None => out.raw(b"NIL"),
                    }
                }
                out.raw(b")");
            }
            Command::Login(login) => {
                out.raw(b" ");
                out.astring(login.user());
                out.raw(b" ");
                out.astring(login.password().expose());
            }
            Command::Authenticate(auth) => {
                out.display(format_args!(" {}", auth.mechanism));
                if let Some(initial) = &auth.initial {
                    out.raw(b" ");
                    out.raw(initial.expose());
                }
            }
            Command::Enable(names) => {
                for name in names {
                    out.display(format_args!(" {name}"));
                }
            }
            Command::Select(m)
            | Command::Examine(m)
            | Command::Create(m)
            | Command::Delete(m)
            | Command::Subscribe(m)
            | Command::Unsubscribe(m) => mailbox(m, out),
            Command::Rename { from, to } => {
                mailbox(from, out);
                mailbox(to, out);
            }
            Command::List { reference, pattern } | Command::Lsub { reference, pattern } => {
                mailbox(reference, out);
                out.raw(b" ");
                // Quoted: old servers know wildcards in no atom.
                out.string(pattern.to_wire().as_bytes());
            }
            Command::Status {
                mailbox: m,
                attributes,
            } => {
                mailbox(m, out);
                out.raw(b" (");
                for (i, attribute) in attributes.iter().enumerate() {
                    out.raw(if i == 0 { b"" } else { b" " });
                    out.display(attribute);
                }
                // A list of nothing does not exist.
                out.raw(if attributes.is_empty() {
                    b"MESSAGES)"
                } else {
                    b")"
                });
            }
            Command::UidExpunge(set) => out.display(format_args!(" {set}")),
            Command::Search(search) => search.encode(out),
            Command::Fetch(fetch) => fetch.encode(out),
            Command::Store(store) => store.encode(out),
            Command::Copy(Copy {
                set, mailbox: m, ..
            })
            | Command::Move(Copy {
                set, mailbox: m, ..
            }) => {
                out.display(format_args!(" {set}"));
                mailbox(m, out);
            }
            _ => {}
        }
    }
}

fn mailbox(mailbox: &Mailbox<'_>, out: &mut Pieces) {
    out.raw(b" ");
    out.astring(&mailbox.to_wire());
}

impl Append<'_> {
    fn encode(&self, out: &mut Pieces) {
        mailbox(&self.mailbox, out);
        if !self.flags.is_empty() {
            out.raw(b" ");
            encode_flags(&self.flags, out);
        }
        if let Some(date) = self.date {
            out.display(format_args!(" {date}"));
        }
        out.raw(b" ");
        out.announce(self.size);
    }
}
