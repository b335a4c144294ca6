//! FETCH: what is asked of each message, in that order; its bytes pass through in
//! pieces.

use std::ops::Range;

use scop_imap_proto::{
    command::{self, FetchAttribute},
    response::{Data, Fetch, FetchItem, Value},
    types::{DateTime, Partial, Section, SectionText},
};

use super::{Done, Session, mailbox::number, message::PAGE, ok, parts::Parts, told, wire::Failed};
use crate::store::{FlagChange, Flags, Message, StoreError};

/// Messages marked \\Seen at a time.
const MARKED: usize = 16;

impl Session {
    pub(super) async fn fetch(&mut self, fetch: &command::Fetch) -> Done {
        let view = self.view()?;
        let mut uids = view.resolve(&fetch.set, fetch.uid)?;
        let marks_seen = !view.read_only && fetch.attributes.iter().any(FetchAttribute::sets_seen);
        // What is marked is soon sent: not much is marked in vain if the client leaves.
        let page = if marks_seen { MARKED } else { PAGE };
        while !uids.is_empty() {
            let mut messages = self.page(&mut uids, page).await?;
            let turned = match marks_seen {
                true => self.mark_seen(&mut messages).await?,
                false => Vec::new(),
            };
            for message in messages {
                let turned_seen = turned.contains(&message.uid);
                self.fetch_one(fetch, &message, turned_seen).await?;
            }
        }
        ok("Fetched")
    }

    /// Marks those of the messages that are not \Seen, all at once; which.
    async fn mark_seen(&mut self, messages: &mut [Message]) -> Result<Vec<u32>, Failed> {
        let unseen = messages.iter().filter(|m| !m.flags.has(Flags::SEEN));
        let uids: Vec<_> = unseen.map(|m| m.uid..=m.uid).collect();
        if uids.is_empty() {
            return Ok(Vec::new());
        }
        let mut seen = Flags::new();
        seen.insert("\\Seen")?;
        let mailbox = self.view()?.mailbox;
        let changed = self
            .house
            .store
            .flag(mailbox, uids, FlagChange::Add(seen))
            .await?;
        let turned = changed.iter().map(|m| m.uid).collect();
        for changed in changed {
            self.view()?.tell(&changed);
            if let Ok(at) = messages.binary_search_by_key(&changed.uid, |m| m.uid) {
                messages[at] = changed;
            }
        }
        Ok(turned)
    }

    async fn fetch_one(
        &mut self,
        fetch: &command::Fetch,
        message: &Message,
        turned_seen: bool,
    ) -> Result<(), Failed> {
        let view = self.view()?;
        let mailbox = view.mailbox;
        let Some(n) = view.number(message.uid) else {
            return Ok(()); // newer than what the client knows of
        };
        let recent = view.is_recent(message.uid);
        let parts = if fetch.attributes.iter().any(wants_parts) {
            match Parts::of(&*self.house.store, mailbox, message.uid).await {
                Ok(parts) => Some(parts),
                // Expunged meanwhile: it has nothing to say any more.
                Err(StoreError::Gone) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        } else {
            None
        };
        let mut items = Vec::with_capacity(fetch.attributes.len() + 2);
        let mut streams = Vec::new();
        let has = |a: &FetchAttribute| fetch.attributes.contains(a);
        if fetch.uid && !has(&FetchAttribute::Uid) {
            items.push(FetchItem::Uid(number(message.uid)));
        }
        if turned_seen && !has(&FetchAttribute::Flags) {
            items.push(FetchItem::Flags(told(&message.flags, recent)));
        }
        for attribute in &fetch.attributes {
            let item = match (attribute, &parts) {
                (FetchAttribute::Flags, _) => FetchItem::Flags(told(&message.flags, recent)),
                (FetchAttribute::Uid, _) => FetchItem::Uid(number(message.uid)),
                (FetchAttribute::Rfc822Size, _) => FetchItem::Rfc822Size(message.size),
                (FetchAttribute::InternalDate, _) => {
                    let received = message.received;
                    let date = DateTime::from_unix(received.seconds, received.zone);
                    let date = date.or_else(|_| DateTime::from_unix(0, 0));
                    FetchItem::InternalDate(date.map_err(|e| Failed::no(e.what))?)
                }
                (attribute, Some(parts)) => part_item(attribute, parts, &mut streams).await?,
                _ => continue,
            };
            items.push(item);
        }
        let data = Data::Fetch(Fetch {
            number: number(n),
            items,
        });
        self.wire.put(&data).await?;
        if let Some(parts) = parts {
            for range in streams {
                parts.stream(range, &mut self.wire).await?;
            }
        }
        Ok(())
    }
}

fn wants_parts(attribute: &FetchAttribute) -> bool {
    !matches!(
        attribute,
        FetchAttribute::Flags
            | FetchAttribute::Uid
            | FetchAttribute::Rfc822Size
            | FetchAttribute::InternalDate
    )
}

/// What is said of a message's bytes. Those that go through as they are, are added
/// to `streams`.
async fn part_item(
    attribute: &FetchAttribute,
    parts: &Parts,
    streams: &mut Vec<Range<u64>>,
) -> Result<FetchItem, Failed> {
    let of_message = |text: Option<SectionText>| Section::new(&[], text).unwrap_or_default();
    let mut value = |section: &Section, partial: Option<Partial>| {
        let Some(range) = parts.range(section) else {
            return Value::Nil;
        };
        let range = cut(range, partial);
        let size = range.end - range.start;
        streams.push(range);
        Value::Streamed(size)
    };
    Ok(match attribute {
        FetchAttribute::Envelope => FetchItem::Envelope(parts.envelope()),
        FetchAttribute::Body => FetchItem::Body(parts.structure()),
        FetchAttribute::BodyStructure => FetchItem::BodyStructure(parts.structure()),
        FetchAttribute::Rfc822 => FetchItem::Rfc822(value(&Section::whole(), None)),
        FetchAttribute::Rfc822Header => {
            FetchItem::Rfc822Header(value(&of_message(Some(SectionText::Header)), None))
        }
        FetchAttribute::Rfc822Text => {
            FetchItem::Rfc822Text(value(&of_message(Some(SectionText::Text)), None))
        }
        FetchAttribute::Section {
            section, partial, ..
        } => {
            let value = match (section.text(), parts.range(section)) {
                (Some(SectionText::HeaderFields { not, names }), Some(range)) => {
                    let fields = parts.fields(range, names.iter(), *not).await?;
                    let range = cut(0..fields.len() as u64, *partial);
                    Value::Inline(fields.slice(range.start as usize..range.end as usize))
                }
                _ => value(section, *partial),
            };
            FetchItem::Section {
                section: section.clone(),
                origin: partial.map(|p| p.offset),
                value,
            }
        }
        // One that this server does not know has no value.
        _ => return Err(Failed::bad("This server does not know that item")),
    })
}

/// The stretch of `range` that is asked for; empty if it lies behind its end.
fn cut(range: Range<u64>, partial: Option<Partial>) -> Range<u64> {
    match partial {
        None => range,
        Some(partial) => {
            let of = partial.of(range.end - range.start);
            range.start + of.start..range.start + of.end
        }
    }
}
