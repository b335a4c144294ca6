//! The tokio driver: sockets, one-byte pipes, cancellation at every await, deaf peers.

mod common;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use common::{certs, *};
use scop_core::{Machine, testkit::Note};
use scop_tls_adapters::{DriverError, Tls, tokio::Driver};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    net::{TcpListener, TcpStream},
    task::yield_now,
    time::{Instant, timeout},
};

fn starttls_client() -> Tls<Client> {
    let handshake = certs::client().connect_to("mail.test").unwrap();
    Tls::starttls(Client::new(&UPGRADING), handshake)
}

fn starttls_server() -> Tls<Server> {
    Tls::starttls(Server::new(), certs::server().accept())
}

fn implicit_client(script: &[&str]) -> Tls<Client> {
    let handshake = certs::client().connect_to("mail.test").unwrap();
    Tls::implicit(Client::new(script), handshake)
}

fn implicit_server() -> Tls<Server> {
    Tls::implicit(Server::new(), certs::server().accept())
}

/// How a conversation went: events, and how it ended.
type Run = (Vec<Note>, Result<(), String>);

async fn drive<M: Machine, T: AsyncRead + AsyncWrite + Unpin>(
    mut driver: Driver<M, T>,
    mut on_event: impl FnMut(&mut M, M::Event) -> Note,
    cancelling: bool,
) -> Run {
    let mut notes = Vec::new();
    loop {
        let next = if cancelling {
            // Dropped whenever it would wait, and asked again.
            tokio::select! {
                biased;
                next = driver.next() => next,
                () = yield_now() => continue,
            }
        } else {
            driver.next().await
        };
        match next {
            Ok(Some(event)) => match (on_event(driver.machine_mut(), event), notes.last_mut()) {
                (Note::Data(more), Some(Note::Data(data))) => data.extend(more),
                (note, _) => notes.push(note),
            },
            Ok(None) => return (notes, Ok(())),
            Err(error) => return (notes, Err(error.to_string())),
        }
    }
}

async fn converse<T, U>(
    (client, c): (Tls<Client>, T),
    (server, s): (Tls<Server>, U),
    cancelling: bool,
) -> (Run, Run)
where
    T: AsyncRead + AsyncWrite + Unpin,
    U: AsyncRead + AsyncWrite + Unpin,
{
    tokio::join!(
        drive(
            Driver::new(c, client),
            |_, line| Note::Event(line),
            cancelling
        ),
        drive(Driver::new(s, server), |m, e| react(m, e), cancelling),
    )
}

async fn serve<T: AsyncRead + AsyncWrite + Unpin>(io: T, server: Tls<Server>) -> Run {
    drive(Driver::new(io, server), |m, e| react(m, e), false).await
}

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
    (client.unwrap(), server.unwrap().0)
}

#[tokio::test]
async fn over_sockets() {
    for _ in 0..3 {
        let (c, s) = sockets().await;
        let (client, server) =
            converse((starttls_client(), c), (starttls_server(), s), false).await;
        assert_eq!(client, (lines(&UPGRADED), Ok(())));
        assert_eq!(server.1, Ok(()));
        assert!(server.0.contains(&Note::Data(b"hello".to_vec())));
        let (c, s) = sockets().await;
        let pair = ((implicit_client(&SCRIPT), c), (implicit_server(), s));
        let (client, server) = converse(pair.0, pair.1, false).await;
        assert_eq!(client, (lines(&REPLIES), Ok(())));
        assert_eq!(server.1, Ok(()));
    }
}

#[tokio::test]
async fn over_pipes_of_any_size_and_cancelled_at_every_await() {
    for size in [1, 7, 64, 4096, 1 << 17] {
        for cancelling in [false, true] {
            let (c, s) = duplex(size);
            let sides = ((starttls_client(), c), (starttls_server(), s));
            let run = converse(sides.0, sides.1, cancelling);
            // Both ends write close_notify into a pipe that nobody reads any more: one
            // byte wide, it must not hold them up.
            let (client, server) = timeout(Duration::from_secs(60), run).await.unwrap();
            assert_eq!(client, (lines(&UPGRADED), Ok(())), "{size} {cancelling}");
            assert_eq!(server.1, Ok(()), "{size} {cancelling}");
        }
    }
}

/// A transport that is ready every other time only, and for a few bytes.
struct Fickle(DuplexStream, u32);

impl Fickle {
    fn refuses(&mut self, cx: &mut Context<'_>) -> bool {
        self.1 = self.1.wrapping_mul(0x5851_f42d).wrapping_add(0x1405_7b7e);
        let refuses = self.1 & 0x10000 == 0;
        if refuses {
            cx.waker().wake_by_ref();
        }
        refuses
    }
}

impl AsyncRead for Fickle {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.refuses(cx) {
            return Poll::Pending;
        }
        let most = 1 + self.1 as usize % 50;
        let mut few = vec![0; most.min(buffer.remaining())];
        let mut part = ReadBuf::new(&mut few);
        let ready = Pin::new(&mut self.0).poll_read(cx, &mut part);
        buffer.put_slice(part.filled());
        ready
    }
}

impl AsyncWrite for Fickle {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.refuses(cx) {
            return Poll::Pending;
        }
        let most = bytes.len().min(1 + self.1 as usize % 50);
        Pin::new(&mut self.0).poll_write(cx, &bytes[..most])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.refuses(cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.refuses(cx) {
            return Poll::Pending;
        }
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn over_a_fickle_transport() {
    for seed in 0..20 {
        let (c, s) = duplex(100);
        let (client, server) = converse(
            (implicit_client(&SCRIPT), Fickle(c, seed)),
            (implicit_server(), Fickle(s, !seed)),
            seed % 2 == 0,
        )
        .await;
        assert_eq!(client, (lines(&REPLIES), Ok(())), "seed {seed}");
        assert_eq!(server.1, Ok(()), "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_the_answer_and_the_machine_is_at_hand() {
    let (c, s) = duplex(4096);
    let client = tokio::spawn(async move {
        let client = implicit_client(&["ASK\r\n", "QUIT\r\n"]);
        drive(Driver::new(c, client), |_, line| Note::Event(line), false).await
    });
    let mut driver = Driver::new(s, implicit_server());
    assert!(matches!(driver.next().await, Ok(Some(Event::Encrypted(_)))));
    assert!(matches!(driver.next().await, Ok(Some(Event::Asked))));
    // The answer comes from elsewhere and takes an hour.
    let hour = Duration::from_secs(3600);
    assert!(timeout(hour, driver.next()).await.is_err());
    driver.machine_mut().answer("at last").unwrap();
    assert!(driver.machine_mut().answer("again").is_err());
    assert!(matches!(driver.next().await, Ok(None)));
    assert!(matches!(driver.next().await, Ok(None)), "the end stays");
    let (notes, end) = client.await.unwrap();
    assert_eq!(notes, lines(&["220 toy", "at last", "221 bye"]));
    assert_eq!(end, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_runs_into_the_timers() {
    // In the handshake.
    let (_c, s) = duplex(4096);
    let started = Instant::now();
    let (_, end) = serve(s, implicit_server()).await;
    assert_eq!(end, Err("timed out: the TLS handshake".into()));
    assert!(started.elapsed() >= Duration::from_secs(60));
    // And behind it: the goodbye is written.
    let (mut c, s) = duplex(4096);
    let server = tokio::spawn(serve(s, Tls::plain(Server::new())));
    let mut said = String::new();
    c.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "220 toy\r\n421 timed out: idle\r\n");
    drop(c);
    assert_eq!(server.await.unwrap().1, Err("timed out: idle".into()));
}

#[tokio::test(start_paused = true)]
async fn a_deaf_peer_holds_nobody() {
    // It asks for a megabyte, forbidden things, and never reads.
    for last in ["QUIT\r\n", "BOOM\r\n"] {
        let (mut c, s) = duplex(16);
        let server = tokio::spawn(serve(s, Tls::plain(Server::new())));
        c.write_all(last.as_bytes()).await.unwrap();
        let started = Instant::now();
        let (_, end) = server.await.unwrap();
        assert_eq!(end.is_ok(), last == "QUIT\r\n", "{end:?}");
        // One linger to write, and no more than that.
        assert!(
            started.elapsed() <= Duration::from_secs(11),
            "{:?}",
            started.elapsed()
        );
        drop(c);
    }
}

#[tokio::test]
async fn a_peer_that_never_stops_writing_is_left() {
    let (c, s) = duplex(64);
    let (mut read, mut write) = tokio::io::split(c);
    let flood = tokio::spawn(async move { while write.write_all(b"BOOM\r\n").await.is_ok() {} });
    let server = tokio::spawn(serve(s, Tls::plain(Server::new())));
    let mut said = String::new();
    read.read_to_string(&mut said).await.unwrap();
    assert!(
        said.ends_with("421 a command that is forbidden at byte 0 (toy 1)\r\n"),
        "{said}"
    );
    assert!(server.await.unwrap().1.is_err());
    flood.await.unwrap();
}

#[tokio::test]
async fn tl03_a_connection_cut_in_the_middle_is_no_end() {
    let (mut c, s) = sockets().await;
    let server = tokio::spawn(serve(s, Tls::plain(Server::new())));
    c.write_all(b"TAKE 10\r\nhello").await.unwrap();
    c.shutdown().await.unwrap();
    let (notes, end) = server.await.unwrap();
    assert!(!notes.contains(&Note::Event("Taken".into())));
    assert!(
        end.unwrap_err()
            .starts_with("the connection ended inside TAKE")
    );
}

#[tokio::test]
async fn a_machine_that_wants_tls_and_has_none_says_so() {
    let (mut c, s) = duplex(64);
    c.write_all(b"STARTTLS\r\n").await.unwrap();
    let mut driver = Driver::new(s, Server::new());
    assert!(matches!(driver.next().await, Err(DriverError::NeedsTls)));
    let mut said = [0; 17];
    c.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"220 toy\r\n220 go\r\n");
    let (_, machine) = driver.into_parts();
    assert!(machine.channel().is_none());
}

#[tokio::test]
async fn a_transport_error_stays() {
    struct Broken;
    impl AsyncRead for Broken {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
    }
    impl AsyncWrite for Broken {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
    let mut driver = Driver::new(Broken, Server::new());
    for _ in 0..3 {
        let error = driver.next().await.unwrap_err();
        assert!(matches!(error, DriverError::Io(e) if e.kind() == io::ErrorKind::ConnectionReset));
    }
}

#[tokio::test]
async fn the_future_can_be_sent() {
    fn is_send<T: Send>(_: &T) {}
    let (_c, s) = duplex(64);
    let mut driver = Driver::new(s, implicit_server());
    is_send(&driver);
    is_send(&driver.next());
}
