#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod address;
mod command;
mod data;
mod parameter;
mod server;

pub use address::{
    AddressError, ClientName, ForwardPath, Host, MAX_DOMAIN, MAX_LOCAL_PART, Mailbox, ReversePath,
};
pub use command::{Argument, Auth, Command, CommandError, CommandErrorKind, Mail, Rcpt, Unknown};
pub use parameter::{BadParameter, Body, Parameters, Submitter, decode_xtext, encode_xtext};
