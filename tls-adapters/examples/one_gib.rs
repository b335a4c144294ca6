//! A message of 1 GiB from a client machine to a server machine over the tokio driver,
//! TLS in between, and how much memory the process took at its highest.
//!
//! ```text
//! cargo run --release -p scop-tls-adapters --example one_gib -- [MiB] [--plain] [--most MiB]
//! ```
//!
//! With `--most` it fails when the process took more than that.
//!
//! Both ends run in this process, on one thread, over a socket of the loopback. A sink
//! stands where a store would be: it counts the bytes, which are answered for all the
//! same.

use std::{error::Error, sync::Arc, time::Instant};

use bytes::Bytes;
use scop_smtp_proto::{
    Client, ClientConfig, ClientEvent, ClientName, Mail, Mailbox, Rcpt, ReversePath, Server,
    ServerConfig, ServerEvent, ServerLimits, TlsPolicy,
};
use scop_tls_adapters::{Identity, Roots, Tls, WallClock, tokio::Driver};
use tokio::net::{TcpListener, TcpStream};

type Failed = Box<dyn Error + Send + Sync>;

/// What is sent over and over: 16 KiB of lines.
static PIECE: &[u8; 16 * 1024] = &{
    let mut piece = [b'x'; 16 * 1024];
    let mut at = 0;
    while at < piece.len() {
        piece[at + 62] = b'\r';
        piece[at + 63] = b'\n';
        at += 64;
    }
    piece
};

/// The sending end: knows how much is left.
struct Sender {
    left: u64,
    piece: Bytes,
}

impl Sender {
    fn on_event(&mut self, client: &mut Client, event: ClientEvent) -> Result<(), Failed> {
        match event {
            ClientEvent::Ready => {
                let from: Mailbox<'static> = "tim@example.org".parse()?;
                let to: Mailbox<'static> = "ann@mail.test".parse()?;
                client.mail(Mail::new(ReversePath::from(from)))?;
                client.rcpt(Rcpt::new(to))?;
                client.data()?;
            }
            ClientEvent::Body(_) | ClientEvent::Room => {
                while self.left > 0 || !self.piece.is_empty() {
                    if self.piece.is_empty() {
                        self.piece = Bytes::from_static(PIECE);
                        self.left -= 1;
                    }
                    client.body(&mut self.piece)?;
                    if !self.piece.is_empty() {
                        return Ok(()); // Room comes
                    }
                }
                client.finish()?;
                client.quit()?;
            }
            ClientEvent::Reply { reply, .. } if reply.is_permanent() || reply.is_transient() => {
                return Err(reply.to_string().into());
            }
            _ => {}
        }
        Ok(())
    }
}

async fn serve(stream: TcpStream, server: Tls<Server>) -> Result<u64, Failed> {
    let mut driver = Driver::new(stream, server);
    let mut sunk = 0;
    while let Some(event) = driver.next().await? {
        match event {
            ServerEvent::Chunk(bytes) => sunk += bytes.len() as u64,
            ServerEvent::Mail(_)
            | ServerEvent::Rcpt(_)
            | ServerEvent::Data
            | ServerEvent::MessageEnd(_) => driver.machine_mut().accept()?,
            _ => {}
        }
    }
    Ok(sunk)
}

async fn send(stream: TcpStream, client: Tls<Client>, pieces: u64) -> Result<(), Failed> {
    let mut driver = Driver::new(stream, client);
    let mut sender = Sender {
        left: pieces,
        piece: Bytes::new(),
    };
    while let Some(event) = driver.next().await? {
        sender.on_event(driver.machine_mut(), event)?;
    }
    Ok(())
}

/// A certificate for mail.test that its own holder signed, made on the spot.
fn configs() -> Result<
    (
        scop_tls_adapters::ClientConfig,
        scop_tls_adapters::ServerConfig,
    ),
    Failed,
> {
    let made = rcgen::generate_simple_self_signed(["mail.test".to_owned()])?;
    let der = made.cert.der().to_vec();
    let mut roots = Roots::new();
    roots.add_der(&der)?;
    let identity = Identity::from_der(vec![der], made.signing_key.serialize_der())?;
    Ok((
        scop_tls_adapters::ClientConfig::new(roots, WallClock::system())?,
        scop_tls_adapters::ServerConfig::new(identity, &["smtp"], WallClock::system())?,
    ))
}

/// The most memory that was ever resident, in KiB, where the system tells.
fn high_water_mark() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let (mut mebibytes, mut plain, mut most) = (1024, false, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--plain" => plain = true,
            "--most" => most = Some(arguments.next().unwrap_or_default().parse::<u64>()?),
            number => mebibytes = number.parse()?,
        }
    }
    let size = mebibytes << 20;

    let mut limits = ServerLimits::default();
    limits.message_size = size;
    let config = ServerConfig::new(ClientName::new("mail.test")?).limits(limits);
    let server = Server::new(Arc::new(config.starttls(!plain)));
    let policy = if plain {
        TlsPolicy::Never
    } else {
        TlsPolicy::Required
    };
    let config = ClientConfig::new(ClientName::new("client.test")?).tls(policy);
    let client = Client::new(config);
    let (client, server) = if plain {
        (Tls::plain(client), Tls::plain(server))
    } else {
        let (ours, theirs) = configs()?;
        let handshake = ours.connect_to("mail.test")?;
        (
            Tls::starttls(client, handshake),
            Tls::starttls(server, theirs.accept()),
        )
    };

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let stream = TcpStream::connect(listener.local_addr()?).await?;
    let (served, _) = listener.accept().await?;
    let started = Instant::now();
    let pieces = size / PIECE.len() as u64;
    let (sunk, sent) = tokio::join!(serve(served, server), send(stream, client, pieces));
    sent?;
    let sunk = sunk?;
    let seconds = started.elapsed().as_secs_f64();
    if sunk != size {
        return Err(format!("{sunk} of {size} bytes arrived").into());
    }
    let how = if plain { "in clear" } else { "over TLS" };
    println!("{mebibytes} MiB {how} in {seconds:.1} s");
    let Some(kib) = high_water_mark() else {
        println!("VmHWM is not told here");
        return Ok(());
    };
    println!("VmHWM {:.1} MiB", kib as f64 / 1024.0);
    if let Some(most) = most.filter(|most| kib > most * 1024) {
        return Err(format!("more than {most} MiB were resident").into());
    }
    Ok(())
}
