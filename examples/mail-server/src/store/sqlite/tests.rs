//! The promises of [`Store`], on a real file.

use std::{fs, num::NonZeroU32, path::PathBuf};

use bytes::Bytes;
use tokio::task::JoinSet;

use super::*;
use crate::store::{Delivered, Delivery, Flags, Received};

/// A directory of this test's own, removed when it is over.
struct Place(PathBuf);

impl Place {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("scop-store-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Place(path)
    }

    fn open(&self) -> Sqlite {
        Sqlite::open(&self.0, None).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn name(name: &str) -> MailboxName {
    MailboxName::new(name).unwrap()
}

fn flags(names: &[&str]) -> Flags {
    let mut flags = Flags::new();
    names.iter().for_each(|n| flags.insert(n).unwrap());
    flags
}

fn delivery(user: UserId, mailbox: &str) -> Delivery {
    Delivery {
        user,
        mailbox: name(mailbox),
        flags: Flags::new(),
        received: Received {
            seconds: 1_000_000_000,
            zone: -480,
        },
    }
}

async fn user(store: &Sqlite, name: &str) -> UserId {
    let password = PasswordHash {
        iterations: 1,
        salt: vec![1],
        hash: vec![2],
    };
    store.set_user(name.into(), password).await.unwrap()
}

async fn deliver(
    store: &Sqlite,
    text: &[u8],
    to: Vec<Delivery>,
) -> Result<Vec<Delivered>, StoreError> {
    let mut draft = store.draft();
    for piece in text.chunks(100_000) {
        draft.write(Bytes::copy_from_slice(piece)).await?;
    }
    draft.deliver("Return-Path: <>\r\n".into(), to).await
}

async fn text(store: &Sqlite, of: MailboxId, uid: u32) -> Vec<u8> {
    all(&*store.content(of, uid).await.unwrap()).await
}

async fn all(content: &dyn Content) -> Vec<u8> {
    let mut text = Vec::new();
    loop {
        let piece = content.read(text.len() as u64).await.unwrap();
        if piece.is_empty() {
            assert_eq!(text.len() as u64, content.size());
            return text;
        }
        text.extend_from_slice(&piece);
    }
}

fn count(store: &Sqlite, table: &str) -> i64 {
    let connection = store.0.directory.connect().unwrap();
    let sql = format!("SELECT count(*) FROM {table}");
    connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_message_comes_back_as_it_went_in_also_after_a_restart() {
    let place = Place::new("restart");
    let big: Vec<u8> = (0..700_001u32).map(|n| (n % 251) as u8).collect();
    let exact = vec![b'x'; 2 * draft::CHUNK];
    let (validity, uids) = {
        let store = place.open();
        let ann = user(&store, "ann").await;
        for message in [&b""[..], &big, &exact] {
            deliver(&store, message, vec![delivery(ann, "INBOX")])
                .await
                .unwrap();
        }
        let opened = store.open(ann, name("INBOX"), true).await.unwrap();
        store.close().await.unwrap();
        (opened.uid_validity, opened.uids)
    };
    assert_eq!(uids, [1, 2, 3]);
    // The writing thread gives the directory back a moment after the last handle went.
    let store = loop {
        match Sqlite::open(&place.0, None) {
            Ok(store) => break store,
            Err(OpenError::InUse(_)) => tokio::task::yield_now().await,
            Err(e) => panic!("{e}"),
        }
    };
    let ann = user(&store, "ann").await;
    let opened = store.open(ann, name("inbox"), false).await.unwrap();
    assert_eq!((opened.uid_validity, &opened.uids), (validity, &uids));
    assert_eq!(
        (opened.uid_next, opened.recent_from, opened.first_unseen),
        (4, 4, Some(1))
    );
    for (uid, message) in [(1, &b""[..]), (2, &big), (3, &exact)] {
        let expected = [b"Return-Path: <>\r\n", message].concat();
        assert!(
            text(&store, opened.id, uid).await == expected,
            "message {uid}"
        );
    }
    let found = store
        .messages(opened.id, vec![1..=1, 3..=9], 10)
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(
        found[0].received,
        Received {
            seconds: 1_000_000_000,
            zone: -480
        }
    );
    assert_eq!(
        store
            .messages(opened.id, vec![1..=9], 2)
            .await
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn a_delivery_reaches_all_or_none_and_an_abandoned_one_leaves_nothing() {
    let place = Place::new("atomic");
    let store = place.open();
    let (ann, bob) = (user(&store, "ann").await, user(&store, "bob").await);
    let to = vec![delivery(ann, "INBOX"), delivery(bob, "nowhere")];
    let long = vec![b'x'; 3 * draft::CHUNK + 5];
    assert_eq!(deliver(&store, &long, to).await, Err(StoreError::NoMailbox));
    let mut abandoned = store.draft();
    abandoned.write(long.clone().into()).await.unwrap();
    drop(abandoned);
    store.close().await.unwrap();
    for table in ["message", "blob", "chunk"] {
        assert_eq!(count(&store, table), 0, "{table}");
    }
    let to = vec![delivery(ann, "INBOX"), delivery(bob, "INBOX")];
    assert_eq!(deliver(&store, &long, to).await.unwrap().len(), 2);
    assert_eq!(count(&store, "blob"), 1, "the copies share their bytes");
}

#[tokio::test]
async fn rf01_a_full_store_says_so_and_keeps_what_it_has() {
    let place = Place::new("full");
    drop(place.open());
    let store = loop {
        match Sqlite::open(&place.0, NonZeroU32::new(200)) {
            Ok(store) => break store,
            Err(OpenError::InUse(_)) => tokio::task::yield_now().await,
            Err(e) => panic!("{e}"),
        }
    };
    let ann = user(&store, "ann").await;
    let small = |n: u32| format!("message {n}").into_bytes();
    deliver(&store, &small(1), vec![delivery(ann, "INBOX")])
        .await
        .unwrap();
    let large = vec![b'x'; 2_000_000];
    let refused = deliver(&store, &large, vec![delivery(ann, "INBOX")]).await;
    assert_eq!(refused, Err(StoreError::Full));
    // Its neighbours in one transaction are not to suffer.
    let (mut writers, large) = (JoinSet::new(), Bytes::from(vec![b'y'; 800_000]));
    for n in 0..20 {
        let (store, large) = (store.clone(), large.clone());
        writers.spawn(async move {
            let text = if n % 2 == 0 { large } else { small(n).into() };
            (
                n,
                deliver(&store, &text, vec![delivery(ann, "INBOX")]).await,
            )
        });
    }
    while let Some(done) = writers.join_next().await {
        let (n, outcome) = done.unwrap();
        match n % 2 {
            0 => assert_eq!(outcome, Err(StoreError::Full)),
            _ => assert_eq!(outcome.unwrap().len(), 1),
        }
    }
    let status = store.status(ann, name("INBOX")).await.unwrap();
    assert_eq!(
        (status.messages, status.uid_next, status.unseen),
        (11, 12, 11)
    );
    store.close().await.unwrap();
    assert_eq!(count(&store, "blob"), 11);
}

#[tokio::test]
async fn mailboxes_are_made_with_their_parents_renamed_with_their_children_and_removed() {
    let place = Place::new("mailboxes");
    let store = place.open();
    let ann = user(&store, "ann").await;
    let names = async |store: &Sqlite| -> Vec<String> {
        let listed = store.mailboxes(ann).await.unwrap();
        let shown = |l: Listed| {
            format!(
                "{}{}{}",
                l.name,
                ["?", ""][l.exists as usize],
                ["", "+"][l.subscribed as usize]
            )
        };
        listed.into_iter().map(shown).collect()
    };
    store.create(ann, name("a/b/c")).await.unwrap();
    assert_eq!(
        store.create(ann, name("a/b")).await,
        Err(StoreError::Exists)
    );
    store.create(ann, name("ab")).await.unwrap();
    store.subscribe(ann, name("a/b"), true).await.unwrap();
    assert_eq!(names(&store).await, ["INBOX+", "a", "a/b+", "a/b/c", "ab"]);
    let before = store.open(ann, name("a/b/c"), false).await.unwrap();
    store.rename(ann, name("a/b"), name("x/y")).await.unwrap();
    assert_eq!(
        names(&store).await,
        ["INBOX+", "a", "a/b?+", "ab", "x", "x/y", "x/y/c"]
    );
    let after = store.open(ann, name("x/y/c"), false).await.unwrap();
    assert_eq!(
        (before.id, before.uid_validity),
        (after.id, after.uid_validity)
    );
    assert_eq!(
        store.rename(ann, name("x"), name("ab")).await,
        Err(StoreError::Exists)
    );
    assert!(store.rename(ann, name("x"), name("x/y/z")).await.is_err());
    assert_eq!(
        store.rename(ann, name("no"), name("yes")).await,
        Err(StoreError::NoMailbox)
    );
    assert!(store.delete(ann, name("INBOX")).await.is_err());
    store.delete(ann, name("x/y")).await.unwrap();
    store.subscribe(ann, name("a/b"), false).await.unwrap();
    assert_eq!(names(&store).await, ["INBOX+", "a", "ab", "x", "x/y/c"]);
    store.create(ann, name("x/y")).await.unwrap();
    let made_anew = store.open(ann, name("x/y"), false).await.unwrap();
    assert!(made_anew.uid_validity > after.uid_validity);

    deliver(&store, b"hi", vec![delivery(ann, "INBOX")])
        .await
        .unwrap();
    store.rename(ann, name("INBOX"), name("old")).await.unwrap();
    assert_eq!(store.status(ann, name("INBOX")).await.unwrap().messages, 0);
    assert_eq!(store.status(ann, name("old")).await.unwrap().messages, 1);
}

#[tokio::test]
async fn flags_copies_and_expunges_are_seen_by_those_who_watch() {
    let place = Place::new("changes");
    let store = place.open();
    let ann = user(&store, "ann").await;
    store.create(ann, name("Other")).await.unwrap();
    for n in 0..4 {
        let text = format!("message {n}");
        deliver(&store, text.as_bytes(), vec![delivery(ann, "INBOX")])
            .await
            .unwrap();
    }
    let opened = store.open(ann, name("INBOX"), true).await.unwrap();
    assert_eq!((opened.recent_from, opened.uids.len()), (1, 4));
    let mut watch = store.watch(opened.id);
    assert!(!watch.has_changed().unwrap());

    let add = FlagChange::Add(flags(&["\\Deleted", "$Done"]));
    let changed = store
        .flag(opened.id, vec![2..=3], add.clone())
        .await
        .unwrap();
    assert_eq!(changed.iter().map(|m| m.uid).collect::<Vec<_>>(), [2, 3]);
    assert!(watch.has_changed().unwrap());
    watch.borrow_and_update();
    let again = store.flag(opened.id, vec![2..=3], add).await.unwrap();
    assert_eq!(again, changed, "nothing changed");
    assert!(!watch.has_changed().unwrap());

    let reading = store.content(opened.id, 2).await.unwrap();
    assert_eq!(
        store.expunge(opened.id, Some(vec![1..=2])).await.unwrap(),
        [2]
    );
    let to = Destination {
        user: ann,
        mailbox: name("Other"),
        remove: true,
    };
    let moved = store
        .copy(opened.id, vec![3..=4], to.clone())
        .await
        .unwrap();
    assert_eq!(moved.uids, [(3, 1), (4, 2)]);
    assert!(watch.has_changed().unwrap());
    let changes = store.changes(opened.id, opened.modseq, true).await.unwrap();
    assert_eq!(changes.vanished, [2, 3, 4]);
    assert!(changes.messages.is_empty() && changes.uid_next == 5);
    let since = store
        .changes(opened.id, changes.modseq, true)
        .await
        .unwrap();
    assert!(since.vanished.is_empty() && since.modseq == changes.modseq);
    assert_eq!(
        store.content(opened.id, 2).await.err(),
        Some(StoreError::Gone)
    );

    // Who was reading reads on; then the bytes go.
    assert_eq!(all(&*reading).await, b"Return-Path: <>\r\nmessage 1");
    assert_eq!(count(&store, "blob"), 4);
    drop(reading);
    store.close().await.unwrap();
    assert_eq!(count(&store, "blob"), 3);

    let other = store.open(ann, name("Other"), false).await.unwrap();
    assert_eq!(other.keywords, ["$Done"]);
    assert_eq!(
        text(&store, other.id, 1).await,
        b"Return-Path: <>\r\nmessage 2"
    );
    let mut watch = store.watch(other.id);
    store.delete(ann, name("Other")).await.unwrap();
    assert!(watch.changed().await.is_ok());
    assert_eq!(
        store.changes(other.id, 1, false).await.err(),
        Some(StoreError::Gone)
    );
    assert_eq!(
        store.copy(opened.id, vec![1..=1], to).await,
        Err(StoreError::NoMailbox)
    );
}

#[tokio::test]
async fn recent_is_for_one_session() {
    let place = Place::new("recent");
    let store = place.open();
    let ann = user(&store, "ann").await;
    deliver(&store, b"1", vec![delivery(ann, "INBOX")])
        .await
        .unwrap();
    let looks = store.open(ann, name("INBOX"), false).await.unwrap();
    assert_eq!(store.status(ann, name("INBOX")).await.unwrap().recent, 1);
    let first = store.open(ann, name("INBOX"), true).await.unwrap();
    let second = store.open(ann, name("INBOX"), true).await.unwrap();
    assert_eq!(
        (looks.recent_from, first.recent_from, second.recent_from),
        (1, 1, 2)
    );
    deliver(&store, b"2", vec![delivery(ann, "INBOX")])
        .await
        .unwrap();
    let new = store.changes(first.id, first.modseq, true).await.unwrap();
    assert_eq!(
        (new.recent_from, new.uid_next, new.messages.len()),
        (2, 3, 1)
    );
    let late = store.changes(first.id, second.modseq, true).await.unwrap();
    assert_eq!(late.recent_from, 3);
}

#[tokio::test]
async fn a_structure_is_kept_for_all_copies() {
    let place = Place::new("structure");
    let store = place.open();
    let ann = user(&store, "ann").await;
    store.create(ann, name("b")).await.unwrap();
    let to = vec![delivery(ann, "INBOX"), delivery(ann, "b")];
    deliver(&store, b"hi", to).await.unwrap();
    let inbox = store.open(ann, name("INBOX"), false).await.unwrap();
    let content = store.content(inbox.id, 1).await.unwrap();
    assert_eq!(content.structure(), None);
    content.keep_structure("here".into());
    store.close().await.unwrap();
    let other = store.open(ann, name("b"), false).await.unwrap();
    let content = store.content(other.id, 1).await.unwrap();
    assert_eq!(content.structure(), Some("here".into()));
}

#[tokio::test]
async fn what_is_not_ours_or_damaged_is_refused_untouched() {
    let place = Place::new("refused");
    let store = place.open();
    let file = store.0.directory.file.clone();
    assert!(matches!(
        Sqlite::open(&place.0, None),
        Err(OpenError::InUse(_))
    ));
    let ann = user(&store, "ann").await;
    deliver(&store, &vec![b'x'; 100_000], vec![delivery(ann, "INBOX")])
        .await
        .unwrap();
    store.close().await.unwrap();
    drop(store);
    // The writing thread closes the file a moment later, and its log goes with it.
    while place.0.join("mail.sqlite-wal").exists() {
        tokio::task::yield_now().await;
    }
    let good = fs::read(&file).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let error = Sqlite::open(&place.0, None).unwrap_err();
        assert_eq!(fs::read(&file).unwrap(), bytes, "touched");
        assert!(!place.0.join("mail.sqlite-wal").exists());
        error
    };
    let changed = |at: usize, to: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + to.len()].copy_from_slice(to);
        bytes
    };
    assert!(matches!(refused(b"From: me\n"), OpenError::Foreign(_)));
    assert!(matches!(refused(b""), OpenError::Foreign(_)));
    assert!(matches!(
        refused(&changed(68, &[0; 4])),
        OpenError::Foreign(_)
    ));
    let other = refused(&changed(60, &[0, 0, 0, 9]));
    assert!(
        matches!(other, OpenError::Version { found: 9, .. }),
        "{other}"
    );
    assert!(matches!(
        refused(&good[..good.len() / 2]),
        OpenError::Damaged { .. }
    ));
    assert!(matches!(
        refused(&changed(4096, &[0xff; 64])),
        OpenError::Damaged { .. }
    ));
    let scribbled = refused(&changed(120, &[0x55; 300]));
    assert!(
        matches!(scribbled, OpenError::Damaged { .. }),
        "{scribbled}"
    );
    fs::write(&file, &good).unwrap();
    Sqlite::open(&place.0, None).unwrap();
}
