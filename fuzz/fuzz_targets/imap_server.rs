//! The IMAP server machine over the small store of its own tests: the laws, logged
//! in by command and already authenticated.
#![no_main]

#[path = "../../imap-proto/tests/common/mod.rs"]
mod store;

use scop_fuzz::{fuzz_target, machine};
use store::{MESSAGE, Store, config, peer_with};

fuzz_target!(|data: &[u8]| {
    let messages = || Store::new(&[MESSAGE, b"A: b\r\n\r\n"]);
    machine(data, || peer_with(config(), messages()));
    machine(data, || {
        let mut config = config();
        config.preauthenticated = true;
        config.starttls = true;
        config.limits.pipelined = 3;
        config.limits.outbox = 256;
        config.limits.held = 256;
        peer_with(config, messages())
    });
});
