//! Header values, by type. Each is parsed when it is asked for, from the stored
//! bytes; each parser is iterative, linear, and reads what it can.

pub(crate) mod address;
pub(crate) mod auth_results;
pub(crate) mod auto;
pub(crate) mod autocrypt;
pub(crate) mod charset;
pub(crate) mod charset_stream;
pub(crate) mod content;
pub(crate) mod date;
pub(crate) mod encoding;
pub(crate) mod ids;
pub(crate) mod lex;
pub(crate) mod list;
pub(crate) mod note;
pub(crate) mod parameter;
pub(crate) mod received;
pub(crate) mod thread;
pub(crate) mod uri;
pub(crate) mod utf7;
pub(crate) mod words;
