//! A message in memory as a tree that borrows from it: a consumer of the reader's
//! events.

mod header;
mod id;
mod index;
mod message;
mod select;
mod stored;

pub use header::{Field, Header};
pub use id::PartId;
pub use index::{Index, Indexer};
pub(crate) use message::slice;
pub use message::{Decoded, Message, Part, Text};
pub use stored::DamagedIndex;
