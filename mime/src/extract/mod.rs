//! Taking the attachments out of a message.

mod name;

pub use name::{FileNames, safe_filename};
