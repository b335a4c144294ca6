#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod address;
mod capability;
mod class;
mod client;
mod command;
mod data;
mod parameter;
mod path;
mod reply;
mod server;
mod vectors;

pub use address::{AddressError, Host, MAX_DOMAIN, MAX_LOCAL_PART, Mailbox};
pub use capability::{Capabilities, Capability, Extension, Mechanisms};
pub use client::{
    BodyError, Client, ClientConfig, ClientError, ClientEvent, ClientLimits, ClientTimeouts,
    Envelope, Handle, NotSent, Refusal, Rejected, Report, Stage, Submission, SubmissionError,
    TlsPolicy,
};
pub use command::{Argument, Auth, Command, CommandError, CommandErrorKind, Mail, Rcpt, Unknown};
pub use data::{
    BadByte, Bare, BareByte, DataDecoder, DataEncoder, DataStep, MAX_TEXT_LINE, Outgoing,
};
pub use parameter::{BadParameter, Body, Parameters, Submitter, decode_xtext, encode_xtext};
pub use path::{ClientName, ForwardPath, ReversePath};
pub use reply::{
    BadReply, Code, EnhancedCode, MAX_REPLY_LINE, MAX_REPLY_LINES, Reply, ReplyLimits, ReplyLine,
    ReplyParser, Severity,
};
pub use server::{Abort, Hello, Server, ServerConfig, ServerEvent, ServerLimits};
