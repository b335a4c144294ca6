//! Dates of the standards, of old and of the wild.

use super::*;
use alloc::string::ToString;
use proptest::prelude::*;

fn check(value: &str, rfc3339: &str) {
    let date = DateTime::parse(value.as_bytes());
    assert_eq!(
        date.map(|d| d.to_string()).unwrap_or_default(),
        rfc3339,
        "{value}"
    );
}

#[test]
fn dates_of_rfc5322_appendix_a() {
    check(
        "Fri, 21 Nov 1997 09:55:06 -0600",
        "1997-11-21T09:55:06-06:00",
    );
    check(
        "Tue, 1 Jul 2003 10:52:37 +0200",
        "2003-07-01T10:52:37+02:00",
    );
    check(
        "Thu, 13 Feb 1969 23:32:54 -0330",
        "1969-02-13T23:32:54-03:30",
    );
    check(
        "Mon, 24 Nov 1997 14:22:01 -0800",
        "1997-11-24T14:22:01-08:00",
    );
    // A.5 and A.6.2
    check(
        "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n               -0330 (Newfoundland Time)",
        "1969-02-13T23:32:00-03:30",
    );
    check("21 Nov 97 09:55:06 GMT", "1997-11-21T09:55:06+00:00");
    check(
        "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600",
        "1997-11-21T09:55:06-06:00",
    );
}

#[test]
fn dates_of_old_and_of_the_wild() {
    check("21 Nov 49 00:00 EST", "2049-11-21T00:00:00-05:00");
    check("21 Nov 50 00:00 PDT", "1950-11-21T00:00:00-07:00");
    check("21 Nov 100 00:00:00 UT", "2000-11-21T00:00:00+00:00");
    check("Fri Nov 21 09:55:06 1997", "1997-11-21T09:55:06-00:00");
    check(
        "Friday, 21-November-97 09:55 Z",
        "1997-11-21T09:55:00+00:00",
    );
    check("21 Nov 1997 09:55:06", "1997-11-21T09:55:06-00:00");
    check("21 Nov 1997 09:55:06 -0000", "1997-11-21T09:55:06-00:00");
    check("21 Nov 1997 09:55:06 K", "1997-11-21T09:55:06-00:00");
    check(
        "21 Nov 1997 09:55:06 GMT+0200 (CEST)",
        "1997-11-21T09:55:06+02:00",
    );
    check("21 Nov 1997 09:55:06 +02:00", "1997-11-21T09:55:06+02:00");
    check("21 Nov 1997 09.55.06 +0200", "1997-11-21T09:55:06+02:00");
    check("29 Feb 2000 23:59:60 +0000", "2000-02-29T23:59:60+00:00");
}

#[test]
fn what_never_was_is_no_date() {
    for value in [
        "",
        "now",
        "29 Feb 1900 00:00:00 +0000",
        "0 Jan 2000 00:00 GMT",
        "32 Jan 2000 00:00 GMT",
        "1 Jan 2000 24:00 GMT",
        "1 Jan 2000 00:60 GMT",
        "1 Foo 2000 00:00 GMT",
        "1 Jan 2000",
        "1 Jan 99999 00:00",
        "Mon, ",
        "1 Jan 2000 1",
        "(",
        "1 Jan 2000 12:",
    ] {
        check(value, "");
    }
    check("1 Jan 2000 00:00 +9999", "2000-01-01T00:00:00-00:00");
}

#[test]
fn mi05_comments_nest_without_recursion() {
    let deep = "(".repeat(200_000) + &")".repeat(200_000);
    check(
        &(deep.clone() + "21 Nov 1997 09:55" + &deep),
        "1997-11-21T09:55:00-00:00",
    );
    check(&"(".repeat(200_000), "");
    check(&"a ".repeat(200_000), "");
}

proptest! {
    #[test]
    fn clocks_agree(seconds in -62_167_219_200i64..253_402_300_800, offset in -1439i16..1440) {
        if let Some(date) = DateTime::from_unix(seconds, offset) {
            prop_assert_eq!(date.to_unix(), seconds);
            prop_assert_eq!(DateTime::parse(date.to_rfc5322().as_bytes()), Some(date));
            prop_assert_eq!(parse::common(date.to_rfc5322().as_bytes()), Some(date));
        }
    }

    #[test]
    fn the_common_shape_is_read_as_any_other(
        value in " ?((Fri|Dec|sAT|xyz|Mo), )?[ ]?[0-9]{1,3} (Nov|jAN|Feb|Junk|X{3}) [0-9]{4} [0-9]{2}:[0-6][0-9]:[0-6][0-9] [-+ ][0-9]{4}([0-9]|:[0-9]{2}| \\(CST\\)| PM|\r\n)?",
        byte in any::<u8>(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut value = value.into_bytes();
        for _ in 0..2 {
            let any = parse::read_any(&value, &mut Notes::none());
            prop_assert_eq!(DateTime::parse(&value), any);
            if let Some(date) = parse::common(&value) {
                prop_assert_eq!(Some(date), any);
            }
            let at = at.index(value.len());
            value[at] = byte;
        }
    }
}

/// The defects of a date that is one: `kind@offset`.
fn odd(value: &str, rfc3339: &str, defects: &str) {
    let mut found = alloc::vec::Vec::new();
    let mut take = |kind: crate::DefectKind, at: usize| found.push(alloc::format!("{kind}@{at}"));
    let date = DateTime::read(value.as_bytes(), &mut Notes::new(&mut take));
    let date = date.map(|d| d.to_string()).unwrap_or_default();
    assert_eq!((&*date, &*found.join(" ")), (rfc3339, defects), "{value}");
}

#[test]
fn what_is_odd_is_told() {
    let rfc3339 = "1997-11-21T09:55:06-06:00";
    odd("Fri, 21 Nov 1997 09:55:06 -0600 (CST)", rfc3339, "");
    odd("21 Nov 1997 09:55 -0600", "1997-11-21T09:55:00-06:00", "");
    odd(
        "Thu, 21 Nov 1997 09:55:06 -0600",
        rfc3339,
        "wrong-weekday@0",
    );
    odd("Fri, 21 Nov 97 09:55:06 -0600", rfc3339, "obsolete-date@12");
    odd("Fri, 21 Nov 1997 09:55:06 CST", rfc3339, "obsolete-date@26");
    odd(
        "21 Nov 1997 09:55:06",
        "1997-11-21T09:55:06-00:00",
        "missing-zone@20",
    );
    odd(
        "21 Nov 1997 09:55:06 CEST",
        "1997-11-21T09:55:06-00:00",
        "unknown-zone@21",
    );
    odd(
        "21 Nov 1997 09:55:06 Q",
        "1997-11-21T09:55:06-00:00",
        "unknown-zone@21",
    );
    odd(
        "21 Nov 1997 09:55:06 +9900",
        "1997-11-21T09:55:06-00:00",
        "unknown-zone@21",
    );
    odd("21 Nov 1997 09:55:06 -06:00", rfc3339, "odd-date@21");
    odd("21 Nov 1997 09:55:06 GMT-0600", rfc3339, "odd-date@21");
    odd("21 Nov 1997 9:55:6 -0600", rfc3339, "odd-date@12");
    odd("1997-11-21T09:55:06-06:00", rfc3339, "odd-date@0");
    odd(
        "1997-11-21 09:55:06.123Z",
        "1997-11-21T09:55:06+00:00",
        "odd-date@0",
    );
    odd("19971121T095506Z", "", "");
    odd(
        "Fri Nov 21 09:55:06 1997",
        "1997-11-21T09:55:06-00:00",
        "odd-date@4 missing-zone@24",
    );
    odd(
        "Fri Nov 21 09:55:06 CST 1997",
        rfc3339,
        "odd-date@4 obsolete-date@20",
    );
    odd("Fri Nov 21 09:55:06 -0600 1997", rfc3339, "odd-date@4");
    odd("Fri, Nov 21, 1997 09:55:06 -0600", rfc3339, "odd-date@5");
    odd("21-Nov-1997 09:55:06 -0600", rfc3339, "odd-date@0");
    odd(
        "21 Nov 1997 09:55:06 PM -0600",
        "1997-11-21T21:55:06-06:00",
        "odd-date@21",
    );
    odd(
        "21 Nov 1997 12:05 AM -0600",
        "1997-11-21T00:05:00-06:00",
        "odd-date@18",
    );
    odd(
        "21 Nov 1997 09:55:06 -0600 and more",
        rfc3339,
        "text-after-date@27",
    );
    odd(
        "Vendredi, 21 Nov 1997 09:55:06 -0600",
        rfc3339,
        "odd-date@0",
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_not(value in "[0-9 :,.()TZ+-]{0,12}(Nov|Fri|GMT)?[0-9 :,.()+-]{0,24}") {
        let mut found = alloc::vec::Vec::new();
        let mut take = |_, at| found.push(at);
        let date = DateTime::read(value.as_bytes(), &mut Notes::new(&mut take));
        prop_assert_eq!(date, DateTime::parse(value.as_bytes()));
        prop_assert!(found.iter().all(|at| *at <= value.len()));
        if let Some(date) = date {
            prop_assert_eq!(DateTime::parse(date.to_rfc5322().as_bytes()), Some(date));
            prop_assert_eq!(DateTime::parse(date.to_string().as_bytes()), Some(date));
        }
    }
}

#[test]
fn dates_are_in_the_order_of_time() {
    let date = |text: &str| text.parse::<DateTime>().unwrap();
    let sorted = [
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+01:00",
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:30:00+00:30",
        "1998-12-31T23:59:59Z",
        "1998-12-31T23:59:60Z",
        "1999-01-01T00:00:00Z",
    ]
    .map(date);
    let mut shuffled = sorted;
    shuffled.reverse();
    shuffled.sort();
    // The second is an hour before the third, and west comes first.
    let mut expected = sorted;
    expected.swap(0, 1);
    assert_eq!(shuffled, expected);
    for (a, b) in sorted
        .iter()
        .flat_map(|a| sorted.iter().map(move |b| (a, b)))
    {
        assert_eq!(a == b, a.cmp(b) == core::cmp::Ordering::Equal, "{a} {b}");
    }
    assert_eq!("yesterday".parse::<DateTime>(), Err(super::NotADate));
    assert_eq!(date("1997-11-21T09:55:06-06:00").weekday(), 5);
    assert_eq!(date("1997-11-23T00:00:00Z").weekday(), 0);
    assert_eq!(date("1997-11-21T09:55:06-06:00").at_offset(24 * 60), None);
}
