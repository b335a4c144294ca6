//! The server as a whole: started, listening, stopped.

use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicU64},
    time::Duration,
};

use dns::Dns;
use scop_dkim::{AuthservIds, Domain, Selector, Signer, Signers, SigningKey};
use scop_imap_proto::server as imap;
use scop_sasl::Mechanism;
use scop_smtp_proto as smtp;
use scop_tls_adapters as tls;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use tracing::Instrument;

use crate::{
    accounts::{Accounts, SetupError},
    banner::Banner,
    certificate::{self, Certificate},
    exit::{DATA, Failure, IO, NO_PERMISSION, SOFTWARE, UNAVAILABLE, USAGE},
    house::{House, stopped},
    options::{Addresses, Options},
    session::{self, Checking, Enforcement, Role},
    store::{Sqlite, Store},
};

/// How long to wait before accepting again when the system has no more sockets.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);

/// What a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Smtp,
    Submission,
    Submissions,
    Imap,
    Imaps,
}

/// Serves until a signal says stop.
pub(crate) async fn run(options: Options) -> Result<(), Failure> {
    let mut signals = Signals::new().map_err(|e| software("cannot catch signals", &e))?;
    let (listeners, addresses) = listen(options.addresses).await?;
    let store = Sqlite::open(&options.data, options.store_pages)?;
    let store: Arc<dyn Store> = Arc::new(store);
    let (accounts, password) = Accounts::set_up(&*store, &options.domain, options.users)
        .await
        .map_err(|e| match e {
            SetupError::Store(e) => Failure::new(IO, format!("{}: {e}", options.data.display())),
            SetupError::Random => software("cannot start", &e),
        })?;
    let certificate = certificate::load(&options.data, &options.domain, options.tls)?;
    let (stop, stopping) = watch::channel(false);
    let house = Arc::new(House {
        checking: Arc::new(Checking {
            dns: dns(options.zone.as_deref(), options.dmarc)?,
            enforcement: options.dmarc,
            loopback: options.zone.is_some(),
        }),
        ours: Arc::new(
            AuthservIds::new([options.domain.as_str()])
                .map_err(|e| Failure::new(USAGE, format!("--domain {}: {e}", options.domain)))?,
        ),
        signers: signers(&options.dkim, &options.domain)?,
        mx: smtp_config(&options.domain, Role::Exchange)?,
        submission: smtp_config(&options.domain, Role::Submission)?,
        imap: imap_config(),
        smtp_tls: tls_config(&certificate, "smtp")?,
        imap_tls: tls_config(&certificate, "imap")?,
        domain: options.domain,
        store: Arc::clone(&store),
        accounts,
        stop: stopping,
        messages: AtomicU64::new(0),
    });
    let banner = Banner {
        data: &options.data,
        domain: &house.domain,
        addresses,
        certificate: &certificate,
        user: house.accounts.first(),
        password: password.as_ref(),
    };
    // A closed pipe is no reason not to serve.
    let _ = io::stdout().write_all(banner.text().as_bytes());

    let doors = Arc::new(Doors {
        all: Arc::new(Semaphore::new(options.max_connections as usize)),
        by_address: Mutex::new(HashMap::new()),
        per_address: options.max_connections_per_ip,
    });
    for (service, listener) in listeners {
        tokio::spawn(accept(
            Arc::clone(&house),
            Arc::clone(&doors),
            service,
            listener,
        ));
    }

    let signal = signals.next().await;
    tracing::info!(signal, "stopping");
    let _ = stop.send(true);
    // All places at once are free only when nobody is inside.
    let everybody_left = doors.all.acquire_many(options.max_connections);
    tokio::select! {
        left = timeout(options.grace, everybody_left) => if left.is_err() {
            let inside = options.max_connections as usize - doors.all.available_permits();
            tracing::warn!(inside, "connections were cut: what they had sent was not acknowledged");
        },
        signal = signals.next() => {
            return Err(Failure::new(SOFTWARE, format!("ended at once by a second signal ({signal})")));
        }
    }
    if let Err(error) = store.close().await {
        // What was acknowledged is in the log beside the file, which the next start reads.
        tracing::warn!(%error, "could not tidy up the store");
    }
    Ok(())
}

fn software(what: &str, error: &impl std::fmt::Display) -> Failure {
    Failure::new(SOFTWARE, format!("{what}: {error}"))
}

/// SIGTERM and SIGINT, or Ctrl-C.
struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Signals {})
    }

    #[cfg(unix)]
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> &'static str {
        let _ = tokio::signal::ctrl_c().await;
        "Ctrl-C"
    }
}

async fn listen(wanted: Addresses) -> Result<(Vec<(Service, TcpListener)>, Addresses), Failure> {
    let mut bound = wanted;
    let mut listeners = Vec::new();
    for (service, option, address) in [
        (Service::Smtp, "--smtp", &mut bound.smtp),
        (Service::Submission, "--submission", &mut bound.submission),
        (
            Service::Submissions,
            "--submissions",
            &mut bound.submissions,
        ),
        (Service::Imap, "--imap", &mut bound.imap),
        (Service::Imaps, "--imaps", &mut bound.imaps),
    ] {
        let failure = |e: io::Error| {
            let (code, help) = match e.kind() {
                io::ErrorKind::AddrInUse => (
                    UNAVAILABLE,
                    format!("stop what uses it, or choose another with {option}"),
                ),
                io::ErrorKind::PermissionDenied => (
                    NO_PERMISSION,
                    format!("choose a port above 1023 with {option}"),
                ),
                _ => (UNAVAILABLE, format!("choose another with {option}")),
            };
            Failure::new(code, format!("cannot listen on {address}: {e}; {help}"))
        };
        let listener = TcpListener::bind(*address).await.map_err(failure)?;
        let local = listener.local_addr().map_err(failure)?;
        *address = local;
        listeners.push((service, listener));
    }
    Ok((listeners, bound))
}

fn smtp_config(domain: &str, role: Role) -> Result<Arc<smtp::ServerConfig>, Failure> {
    let name = smtp::ClientName::new(domain)
        .map_err(|e| Failure::new(USAGE, format!("--domain {domain}: {e}")))?;
    let config = smtp::ServerConfig::new(name).starttls(true);
    Ok(Arc::new(match role {
        Role::Exchange => config,
        Role::Submission => config
            .submission(true)
            .require_tls(true)
            .mechanisms(&[Mechanism::Plain, Mechanism::Login]),
    }))
}

fn imap_config() -> Arc<imap::ServerConfig> {
    let mut config = imap::ServerConfig::new();
    config.starttls = true;
    config.delimiter = Some(crate::store::SEPARATOR);
    Arc::new(config)
}

fn tls_config(certificate: &Certificate, protocol: &str) -> Result<tls::ServerConfig, Failure> {
    let refused = |e: tls::ConfigError| {
        let (chain, key) = (&certificate.chain_file, &certificate.key_file);
        let text = format!("{}, {}: {e}", chain.display(), key.display());
        Failure::new(DATA, text)
    };
    let identity =
        tls::Identity::from_pem(&certificate.chain, &certificate.key).map_err(refused)?;
    tls::ServerConfig::new(identity, &[protocol], tls::WallClock::system()).map_err(refused)
}

/// Whom to ask about strangers. Without anybody mail is taken and marked, unless it is to
/// be refused by what they say: then none would come in.
fn dns(zone: Option<&Path>, enforcement: Enforcement) -> Result<Dns, Failure> {
    match zone {
        None => match Dns::from_system() {
            Ok(dns) => Ok(dns),
            Err(error) if enforcement == Enforcement::Mark => {
                tracing::warn!(%error, "mail from strangers cannot be checked");
                Ok(Dns::Nobody)
            }
            Err(error) => Err(Failure::new(
                UNAVAILABLE,
                format!("{error}; --dmarc enforce needs them, or a file of records: --zone FILE"),
            )),
        },
        Some(file) => Dns::from_zone(file).map_err(|e| match e {
            dns::SetupError::File(e) => Failure::file(file, &e),
            e => Failure::new(DATA, format!("{}: {e}", file.display())),
        }),
    }
}

/// Signs with each of those keys.
fn signers(keys: &[(PathBuf, String)], domain: &str) -> Result<Option<Signers>, Failure> {
    let mut signers: Option<Signers> = None;
    for (file, selector) in keys {
        let signer = signer(file, selector, domain)?;
        signers = Some(match signers {
            Some(signers) => signers.and(signer),
            None => signer.into(),
        });
    }
    Ok(signers)
}

fn signer(file: &Path, selector: &str, domain: &str) -> Result<Signer, Failure> {
    let usage = |what: &str, e: scop_dkim::NameError| Failure::new(USAGE, format!("{what}: {e}"));
    let octets = fs::read(file).map_err(|e| Failure::file(file, &e))?;
    let key = SigningKey::from_pem(&String::from_utf8_lossy(&octets))
        .map_err(|e| Failure::new(DATA, format!("{}: {e}", file.display())))?;
    let selector = Selector::new(selector).map_err(|e| usage("--dkim-selector", e))?;
    let of = Domain::new(domain).map_err(|e| usage("--domain", e))?;
    tracing::info!(
        "DKIM: {selector}._domainkey.{domain}. IN TXT {}",
        key.record().zone_text()
    );
    Ok(Signer::new(of, selector, key))
}

/// Who may come in: so many at all, so many from one address.
struct Doors {
    all: Arc<Semaphore>,
    by_address: Mutex<HashMap<IpAddr, u32>>,
    per_address: u32,
}

/// A connection's place; free again when it is dropped.
struct Place {
    doors: Arc<Doors>,
    ip: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Doors {
    fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Place> {
        let permit = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let mut by_address = self
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let inside = by_address.entry(ip).or_default();
        if *inside >= self.per_address {
            return None;
        }
        *inside += 1;
        Some(Place {
            doors: Arc::clone(self),
            ip,
            _permit: permit,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let by_address = &self.doors.by_address;
        let mut by_address = by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inside) = by_address.get_mut(&self.ip) {
            *inside -= 1;
            if *inside == 0 {
                by_address.remove(&self.ip);
            }
        }
    }
}

/// Takes connections until the server stops.
async fn accept(house: Arc<House>, doors: Arc<Doors>, service: Service, listener: TcpListener) {
    let mut stop = house.stop.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(OUT_OF_SOCKETS).await;
                continue;
            }
        };
        let span = tracing::info_span!("connection", ?service, %peer);
        let Some(place) = doors.enter(peer.ip()) else {
            span.in_scope(|| tracing::warn!("too many connections"));
            turn_away(service, &stream);
            continue;
        };
        let house = Arc::clone(&house);
        let session = async move {
            tracing::debug!("opened");
            match serve(house, service, stream, peer).await {
                Ok(()) => tracing::debug!("closed"),
                Err(error) => tracing::info!(%error, "ended"),
            }
            drop(place);
        };
        tokio::spawn(session.instrument(span));
    }
}

async fn serve(
    house: Arc<House>,
    service: Service,
    stream: TcpStream,
    peer: SocketAddr,
) -> Result<(), session::Ended> {
    // Replies are small and waited for.
    let _ = stream.set_nodelay(true);
    match service {
        Service::Smtp => session::serve_smtp(house, stream, peer, Role::Exchange, false).await,
        Service::Submission => {
            session::serve_smtp(house, stream, peer, Role::Submission, false).await
        }
        Service::Submissions => {
            session::serve_smtp(house, stream, peer, Role::Submission, true).await
        }
        Service::Imap => session::serve_imap(house, stream, false).await,
        Service::Imaps => session::serve_imap(house, stream, true).await,
    }
}

/// Says why, where that can be said without a handshake, and hangs up.
fn turn_away(service: Service, stream: &TcpStream) {
    let text: &[u8] = match service {
        Service::Smtp | Service::Submission => {
            b"421 4.7.0 Too many connections, try again later\r\n"
        }
        Service::Imap => b"* BYE Too many connections, try again later\r\n",
        Service::Submissions | Service::Imaps => b"",
    };
    let _ = stream.try_write(text);
}
