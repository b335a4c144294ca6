use super::*;
use alloc::string::ToString as _;
use proptest::prelude::*;

fn same(text: &str) {
    assert_eq!(dotted_quad(text.as_bytes()), text.parse().ok(), "{text:?}");
    assert_eq!(groups(text.as_bytes()), text.parse().ok(), "{text:?}");
}

#[test]
fn addresses_are_read_as_the_library_does() {
    for text in [
        "",
        ".",
        ":",
        "::",
        ":::",
        "1::",
        "::1",
        ":1",
        "1:",
        "1::2::3",
        "1:::2",
        "::1:",
        "0.0.0.0",
        "255.255.255.255",
        "256.1.1.1",
        "01.1.1.1",
        "1.00.1.1",
        "1.1.1",
        "1.1.1.",
        ".1.1.1",
        "1..1.1",
        "1.1.1.1.1",
        "1000.1.1.1",
        "1.1.1.1 ",
        "+1.1.1.1",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "1:2:3:4:5:6:7",
        "12345::",
        "FFFF::aBcD",
        "g::",
        "::ffff:192.0.2.1",
        "1::192.0.2.1",
        "1:2:3:4:5:6:192.0.2.1",
        "::192.0.2.1:1",
        "fe80::1%1",
        "1::\u{fc}",
    ] {
        same(text);
    }
}

proptest! {
    #[test]
    fn any_address_is_read_as_the_library_does(text in "[0-9a-fA-F:.]{0,24}|([0-9a-f]{0,5}:{1,2}){0,8}[0-9a-f.]{0,6}", bits: u128) {
        same(&text);
        same(&Ipv6Addr::from(bits).to_string());
        same(&Ipv4Addr::from(bits as u32).to_string());
    }
}
