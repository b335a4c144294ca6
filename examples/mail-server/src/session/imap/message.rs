//! Commands on messages of the selected mailbox: SEARCH, STORE, COPY, MOVE,
//! EXPUNGE, CLOSE.

use std::{ops::RangeInclusive, sync::Arc};

use scop_imap_proto::{
    command::{self, SearchKey, StoreAction},
    response::{Code, Data, RespText},
    types::SequenceSet,
};

use super::{
    Done, Session, fetched,
    mailbox::{name, number},
    ok,
    parts::Parts,
    search::{self, Candidate},
    texts::Texts,
    view::{NoSuchNumber, View},
    wire::Failed,
};
use crate::store::{Destination, FlagChange, Message, StoreError, UidSet};

/// Messages asked of the store at a time.
pub(super) const PAGE: usize = 500;

impl From<NoSuchNumber> for Failed {
    fn from(_: NoSuchNumber) -> Self {
        Failed::bad("There is no message of that number")
    }
}

impl Session {
    /// The next messages of `uids`, `size` at the most, which is left with those after them.
    pub(super) async fn page(
        &mut self,
        uids: &mut UidSet,
        size: usize,
    ) -> Result<Vec<Message>, Failed> {
        let mailbox = self.view()?.mailbox;
        let messages = self
            .house
            .store
            .messages(mailbox, uids.clone(), size)
            .await?;
        match messages.last() {
            Some(last) if messages.len() == size => rest(uids, last.uid),
            _ => uids.clear(),
        }
        Ok(messages)
    }

    fn writable(&mut self) -> Result<&mut View, Failed> {
        let view = self.view()?;
        if view.read_only {
            return Err(Failed::no("The mailbox is open for reading only"));
        }
        Ok(view)
    }

    pub(super) async fn search(&mut self, search: &command::Search<'_>) -> Done {
        let keys = &search.keys;
        let needles = search::needles(keys);
        let mut uids = self.candidates(keys)?;
        let mut ids = Vec::new();
        while !uids.is_empty() {
            for message in self.page(&mut uids, PAGE).await? {
                let Some(n) = self.view()?.number(message.uid) else {
                    continue; // newer than what the client knows of
                };
                let of = self.candidate(&message, n)?;
                if self.matches(keys, &needles, &of).await? {
                    ids.push(number(if search.uid { message.uid } else { n }));
                }
            }
        }
        self.wire.put(&Data::Search { ids, mod_seq: None }).await?;
        ok("Searched")
    }

    /// Reads no more of the message than the keys need.
    async fn matches(
        &self,
        keys: &[SearchKey<'_>],
        needles: &[String],
        of: &Candidate<'_>,
    ) -> Result<bool, Failed> {
        if let Some(found) = search::all(keys, of, None) {
            return Ok(found);
        }
        let store = &*self.house.store;
        let parts = match Parts::of(store, of.view.mailbox, of.message.uid).await {
            Ok(parts) => parts,
            Err(StoreError::Gone) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let mut texts = Texts::of_index(parts.index());
        if let Some(found) = search::all(keys, of, Some(&texts)) {
            return Ok(found);
        }
        texts.add_header(&parts.header().await?);
        if let Some(found) = search::all(keys, of, Some(&texts)) {
            return Ok(found);
        }
        texts.add_found(parts.find(needles).await?);
        Ok(search::all(keys, of, Some(&texts)) == Some(true))
    }

    fn candidate<'a>(&'a self, message: &'a Message, number: u32) -> Result<Candidate<'a>, Failed> {
        let selected = self.selected.as_ref();
        let view = &selected
            .ok_or_else(|| Failed::bad("Select a mailbox first"))?
            .view;
        Ok(Candidate {
            message,
            number,
            view,
        })
    }

    /// The messages to look at: all, or those of a set that stands among the keys.
    fn candidates(&mut self, keys: &[SearchKey<'_>]) -> Result<UidSet, Failed> {
        let view = self.view()?;
        for key in keys {
            match key {
                SearchKey::Uid(set) => return Ok(view.resolve(set, true)?),
                SearchKey::Sequence(set) => return Ok(view.resolve(set, false)?),
                _ => {}
            }
        }
        Ok(view.all())
    }

    pub(super) async fn store_flags(&mut self, store: &command::Store<'_>) -> Done {
        let given = super::flags(&store.flags)?;
        let change = match store.action {
            StoreAction::Replace => FlagChange::Set(given),
            StoreAction::Add => FlagChange::Add(given),
            StoreAction::Remove => FlagChange::Remove(given),
        };
        let view = self.writable()?;
        let uids = view.resolve(&store.set, store.uid)?;
        let mailbox = view.mailbox;
        let changed = self.house.store.flag(mailbox, uids, change).await?;
        for message in changed {
            let view = self.view()?;
            view.tell(&message);
            let Some(n) = view.number(message.uid) else {
                continue;
            };
            let recent = view.is_recent(message.uid);
            if !store.silent {
                let data = fetched(n, message.uid, &message.flags, recent, store.uid);
                self.wire.put(&data).await?;
            }
        }
        ok("Stored")
    }

    pub(super) async fn copy(&mut self, copy: &command::Copy<'_>, remove: bool) -> Done {
        let to = Destination {
            user: self.user()?,
            mailbox: name(&copy.mailbox)?,
            remove,
        };
        let view = if remove {
            self.writable()?
        } else {
            self.view()?
        };
        let uids = view.resolve(&copy.set, copy.uid)?;
        let mailbox = view.mailbox;
        let copied = self.house.store.copy(mailbox, uids, to).await;
        let copied = copied.map_err(Failed::try_create)?;
        let set = |uids: &mut dyn Iterator<Item = u32>| SequenceSet::of(uids.map(number)).ok();
        let source = set(&mut copied.uids.iter().map(|(from, _)| *from));
        let destination = set(&mut copied.uids.iter().map(|(_, to)| *to));
        let done = if remove { "Moved" } else { "Copied" };
        let Some((source, destination)) = source.zip(destination) else {
            if copy.uid {
                return ok(done); // UIDs that nobody has are no error (RFC 3501 6.4.8)
            }
            // Another session was faster: no copy may be believed in (RFC 2180 4.4).
            let text = RespText::new("The messages are gone").with(Code::ExpungeIssued);
            return Err(Failed::No(text));
        };
        let code = Code::CopyUid {
            uid_validity: number(copied.uid_validity),
            source,
            destination,
        };
        let text = RespText::new(done).with(code);
        if remove {
            // Before the EXPUNGE responses that the move brings (RFC 6851 4.3).
            self.wire.say(&text).await?;
            return ok(done);
        }
        Ok(text)
    }

    pub(super) async fn expunge(&mut self, set: Option<&SequenceSet>) -> Done {
        let view = self.writable()?;
        let uids = set.map(|set| view.resolve(set, true)).transpose()?;
        let mailbox = view.mailbox;
        self.house.store.expunge(mailbox, uids).await?;
        ok("Expunged")
    }

    /// Expunges without a word, and unselects (RFC 3501 6.4.2).
    pub(super) async fn close(&mut self) -> Done {
        let view = self.view()?;
        let (mailbox, read_only) = (view.mailbox, view.read_only);
        let house = Arc::clone(&self.house);
        if !read_only {
            house.store.expunge(mailbox, None).await?;
        }
        self.selected = None;
        ok("Closed")
    }
}

/// Takes everything up to `last` off the front.
fn rest(uids: &mut UidSet, last: u32) {
    let left = |range: &RangeInclusive<u32>| {
        let from = last.saturating_add(1).max(*range.start());
        (from <= *range.end() && last < u32::MAX).then_some(from..=*range.end())
    };
    *uids = uids.iter().filter_map(left).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other() {
        let mut uids = vec![1..=4, 7..=9];
        rest(&mut uids, 2);
        assert_eq!(uids, [3..=4, 7..=9]);
        rest(&mut uids, 8);
        assert_eq!(uids, [9..=9]);
        rest(&mut uids, 9);
        assert!(uids.is_empty());
        let mut end = vec![1..=u32::MAX];
        rest(&mut end, u32::MAX);
        assert!(end.is_empty());
    }
}
