//! TNEF: what is written here by \[MS-OXTNEF\] is found again.
#![cfg(feature = "tnef")]

use scop_mime::DefectKind;
use scop_mime::tnef::{NotTnef, Tnef};

const SIGNATURE: [u8; 6] = [0x78, 0x9f, 0x3e, 0x22, 0x01, 0x00];

fn attribute(level: u8, id: u32, data: &[u8]) -> Vec<u8> {
    let mut out = vec![level];
    out.extend(id.to_le_bytes());
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    let sum: u16 = data.iter().fold(0, |s, b| s.wrapping_add(u16::from(*b)));
    out.extend(sum.to_le_bytes());
    out
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    let mut out = (bytes.len() as u32).to_le_bytes().to_vec();
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
    out
}

fn variable(kind: u16, id: u16, value: &[u8]) -> Vec<u8> {
    let mut out = kind.to_le_bytes().to_vec();
    out.extend(id.to_le_bytes());
    out.extend(1u32.to_le_bytes());
    out.extend(counted(value));
    out
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect()
}

fn properties(list: &[Vec<u8>]) -> Vec<u8> {
    let mut out = (list.len() as u32).to_le_bytes().to_vec();
    out.extend(list.concat());
    out
}

fn rendering() -> Vec<u8> {
    let mut data = vec![1, 0, 255, 255, 255, 255, 32, 0, 32, 0];
    data.extend(0u32.to_le_bytes());
    attribute(2, 0x0006_9002, &data)
}

fn sample() -> Vec<u8> {
    let named = {
        let mut out = vec![0x1f, 0x00, 0x01, 0x80];
        out.extend([7; 16]);
        out.extend(1u32.to_le_bytes());
        out.extend(counted(&utf16("Key")));
        out.extend(1u32.to_le_bytes());
        out.extend(counted(&utf16("value")));
        out
    };
    let many = {
        let mut out = vec![0x03, 0x10, 0x34, 0x12];
        out.extend(3u32.to_le_bytes());
        out.extend([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
        out
    };
    let boolean = vec![0x0b, 0x00, 0xfe, 0x7f, 1, 0, 0, 0];
    let time = vec![0x40, 0x00, 0x08, 0x30, 1, 2, 3, 4, 5, 6, 7, 8];
    let first = properties(&[
        boolean,
        time,
        named,
        many,
        variable(0x1f, 0x3707, &utf16("Ein langer Name – für alle.docx")),
        variable(0x1e, 0x370e, b"application/msword\0"),
        variable(0x1f, 0x3712, &utf16("<id@x>")),
    ]);
    let embedded = {
        let inner = [&SIGNATURE[..], &attribute(1, 0x0001_8004, b"inner\0")].concat();
        let object = [&[9; 16][..], &inner].concat();
        let method = [vec![0x03, 0x00, 0x05, 0x37], 5u32.to_le_bytes().to_vec()].concat();
        properties(&[method, variable(0x0d, 0x3701, &object)])
    };
    let message = properties(&[
        variable(0x102, 0x1009, b"LZFu"),
        variable(0x102, 0x1013, b"<p>"),
    ]);
    [
        SIGNATURE.to_vec(),
        attribute(1, 0x0008_9006, &0x1_0000u32.to_le_bytes()),
        attribute(1, 0x0006_9007, &[0xe3, 4, 0, 0, 0, 0, 0, 0]),
        attribute(1, 0x0001_8004, b"\xcf\xf0\xe8\xe2\xe5\xf2\0"),
        attribute(1, 0x0006_9003, &message),
        rendering(),
        attribute(2, 0x0001_8010, b"EINLAN~1.DOC\0"),
        attribute(2, 0x0006_800f, b"the data"),
        attribute(2, 0x0006_9005, &first),
        rendering(),
        attribute(2, 0x0001_8010, b"\xe0.txt\0"),
        attribute(2, 0x0006_800f, b""),
        rendering(),
        attribute(2, 0x0006_9005, &embedded),
    ]
    .concat()
}

#[test]
fn attachments_are_found() {
    let bytes = sample();
    let tnef = Tnef::parse(&bytes).unwrap();
    assert_eq!(tnef.defects(), []);
    assert_eq!(tnef.codepage(), 1251);
    #[cfg(feature = "charsets")]
    assert_eq!(tnef.subject().as_deref(), Some("Привет"));
    assert_eq!(
        (tnef.compressed_rtf(), tnef.html()),
        (Some(&b"LZFu"[..]), Some(&b"<p>"[..]))
    );
    let [first, second, third] = tnef.attachments() else {
        panic!("{}", tnef.attachments().len());
    };
    assert_eq!(
        first.name().as_deref(),
        Some("Ein langer Name – für alle.docx")
    );
    assert_eq!(first.data(), b"the data");
    assert_eq!(&bytes[first.range()], b"the data");
    assert_eq!(first.mime_type().as_deref(), Some("application/msword"));
    assert_eq!(first.content_id().as_deref(), Some("id@x"));
    assert_eq!(
        (first.rendering.kind, first.rendering.position),
        (1, u32::MAX)
    );
    assert_eq!((first.rendering.width, first.rendering.height), (32, 32));
    assert!(first.embedded().is_none());
    #[cfg(feature = "charsets")]
    assert_eq!(second.name().as_deref(), Some("а.txt"));
    assert_eq!(second.data(), b"");
    let inner = Tnef::parse(third.embedded().unwrap()).unwrap();
    assert_eq!(inner.subject().as_deref(), Some("inner"));
    assert_eq!(third.data(), third.embedded().unwrap());
}

#[test]
fn damage_is_told_and_what_came_before_counts() {
    let bytes = sample();
    assert_eq!(Tnef::parse(b"").unwrap_err(), NotTnef);
    assert_eq!(Tnef::parse(&bytes[1..]).unwrap_err(), NotTnef);
    let mut whole_attachments = 0;
    for end in 4..bytes.len() {
        let tnef = Tnef::parse(&bytes[..end]).unwrap();
        whole_attachments = whole_attachments.max(tnef.attachments().len());
        for attachment in tnef.attachments() {
            assert!(attachment.range().end <= end);
            let _ = (
                attachment.name(),
                attachment.embedded(),
                attachment.mime_type(),
            );
        }
    }
    assert_eq!(whole_attachments, 3);
    // A byte of the data changed: its checksum is wrong, and the data is given.
    let mut bytes = sample();
    let tnef = Tnef::parse(&bytes).unwrap();
    let at = tnef.attachments()[0].range().start;
    bytes[at] = b'T';
    let tnef = Tnef::parse(&bytes).unwrap();
    assert_eq!(
        (tnef.defects()[0].kind, tnef.defects()[0].offset),
        (DefectKind::TnefChecksum, at as u64)
    );
    assert_eq!(tnef.attachments()[0].data(), b"The data");
    // Data without the attribute that begins an attachment.
    let stray = [SIGNATURE.to_vec(), attribute(2, 0x0006_800f, b"x")].concat();
    let tnef = Tnef::parse(&stray).unwrap();
    assert_eq!(tnef.defects()[0].kind, DefectKind::TnefDamaged);
    assert_eq!(tnef.attachments()[0].data(), b"x");
    assert_eq!(tnef.attachments()[0].name(), None);
}

#[test]
fn what_is_announced_allocates_nothing() {
    let bytes = [
        SIGNATURE.to_vec(),
        vec![2],
        0x0006_800fu32.to_le_bytes().to_vec(),
        vec![255; 8],
    ]
    .concat();
    let tnef = Tnef::parse(&bytes).unwrap();
    assert_eq!(tnef.defects()[0].kind, DefectKind::TnefDamaged);
    let counts = [
        [
            u32::MAX.to_le_bytes().to_vec(),
            [1, 0x10, 1, 1, 255, 255, 255, 255].repeat(1000),
        ]
        .concat(),
        [
            u32::MAX.to_le_bytes().to_vec(),
            vec![3, 0x10, 1, 1, 255, 255, 255, 255],
        ]
        .concat(),
    ];
    for data in counts {
        let bytes = [
            SIGNATURE.to_vec(),
            rendering(),
            attribute(2, 0x0006_9005, &data),
        ]
        .concat();
        let tnef = Tnef::parse(&bytes).unwrap();
        assert_eq!(tnef.defects()[0].kind, DefectKind::TnefDamaged);
        assert_eq!(tnef.attachments().len(), 1);
    }
    let many = [SIGNATURE.to_vec(), rendering().repeat(20_000)].concat();
    let tnef = Tnef::parse(&many).unwrap();
    assert_eq!(
        (tnef.attachments().len(), tnef.defects()[0].kind),
        (10_000, DefectKind::TooManyParts)
    );
}
