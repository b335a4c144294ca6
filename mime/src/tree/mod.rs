//! A message in memory as a tree that borrows from it: a consumer of the reader's
//! events.

mod choose;
mod debug;
mod field;
mod header;
mod id;
mod index;
mod message;
mod reading;
mod record;
mod related;
mod resent;
mod select;
mod stored;

pub(crate) use choose::Chooser;
pub use field::Field;
pub use header::Header;
pub use id::PartId;
pub use index::{Index, Indexer};
pub(crate) use message::slice;
pub use message::{Decoded, Message, Part, Text};
pub use related::{FormField, Related};
pub use resent::Resent;
pub use select::Bodies;
pub use stored::DamagedIndex;
