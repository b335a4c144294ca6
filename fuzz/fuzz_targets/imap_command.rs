//! IMAP commands: what was read and written again reads as the same; an error
//! points into the command.
#![no_main]

use scop_fuzz::{fuzz_target, heap_for, within};
use scop_imap_proto::command::Command;
use scop_imap_proto::types::NonSync;

fuzz_target!(|data: &[u8]| {
    within(heap_for(data.len()), || match Command::parse(data) {
        // `UID` with a name that is no command is known by that name alone.
        Ok((_, Command::Unknown(_))) => {}
        Ok((tag, command)) => {
            for support in [NonSync::Never, NonSync::Minus, NonSync::Plus] {
                let pieces = command.encode(&tag, support);
                let written = pieces.bytes();
                let again = Command::parse(written);
                assert_eq!(
                    again.as_ref(),
                    Ok(&(tag.clone(), command.clone())),
                    "written as {}",
                    written.escape_ascii()
                );
            }
        }
        Err(error) => assert!(error.error.offset <= data.len() as _, "{error:?}"),
    });
});
