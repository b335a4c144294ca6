//! Header values, by type. Each is parsed when it is asked for, from the stored
//! bytes; each parser is iterative, linear, and reads what it can.

pub(crate) mod address;
pub(crate) mod charset;
pub(crate) mod content;
pub(crate) mod date;
pub(crate) mod encoding;
pub(crate) mod ids;
pub(crate) mod lex;
pub(crate) mod note;
pub(crate) mod parameter;
pub(crate) mod uri;
pub(crate) mod words;
