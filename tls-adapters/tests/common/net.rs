//! smoltcp's loopback in virtual time: no socket of the operating system, no clock.

use scop_core::{Machine, testkit::Note};
use scop_tls_adapters::smoltcp::{Driver, Turn};
use smoltcp::{
    iface::{Config, Interface, PollResult, SocketHandle, SocketSet},
    phy::{Loopback, Medium},
    socket::tcp::{Socket, SocketBuffer},
    time::Instant,
    wire::{HardwareAddress, IpAddress, IpCidr},
};

/// How a conversation went: events, and how it ended.
pub type Run = (Vec<Note>, Result<(), String>);

/// Two sockets on one interface, connected to each other.
pub struct Net {
    pub now: Instant,
    pub device: Loopback,
    pub interface: Interface,
    pub sockets: SocketSet<'static>,
    pub client: SocketHandle,
    pub server: SocketHandle,
}

impl Net {
    pub fn new(buffer: usize) -> Net {
        let mut device = Loopback::new(Medium::Ip);
        let now = Instant::from_secs(1);
        let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut device, now);
        let address = IpAddress::v4(127, 0, 0, 1);
        interface.update_ip_addrs(|all| all.push(IpCidr::new(address, 8)).unwrap());
        let socket = || {
            let buffer = || SocketBuffer::new(vec![0; buffer]);
            let mut socket = Socket::new(buffer(), buffer());
            socket.set_nagle_enabled(false);
            socket.set_ack_delay(None);
            socket
        };
        let (mut client, mut server) = (socket(), socket());
        server.listen(25).unwrap();
        client
            .connect(interface.context(), (address, 25), 49152)
            .unwrap();
        let mut sockets = SocketSet::new(Vec::new());
        Net {
            now,
            client: sockets.add(client),
            server: sockets.add(server),
            device,
            interface,
            sockets,
        }
    }

    pub fn socket(&mut self, handle: SocketHandle) -> &mut Socket<'static> {
        self.sockets.get_mut(handle)
    }

    /// Lets `client` and `server` talk until both are over; `each` may meddle before
    /// each turn.
    pub fn talk<C: Machine, S: Machine>(
        &mut self,
        client: C,
        server: S,
        mut on_client: impl FnMut(&mut C, C::Event) -> Note,
        mut on_server: impl FnMut(&mut S, S::Event) -> Note,
        mut each: impl FnMut(&mut Net),
    ) -> (Run, Run) {
        let (mut client, mut server) = (Driver::new(client), Driver::new(server));
        let mut runs = ((Vec::new(), None), (Vec::new(), None));
        for _ in 0..2_000_000 {
            each(self);
            let now = self.now;
            let polled = self
                .interface
                .poll(now, &mut self.device, &mut self.sockets);
            let (c, s) = (self.client, self.server);
            turn(
                now,
                &mut client,
                self.socket(c),
                &mut on_client,
                &mut runs.0,
            );
            turn(
                now,
                &mut server,
                self.socket(s),
                &mut on_server,
                &mut runs.1,
            );
            if let ((client, Some(c)), (server, Some(s))) = &runs {
                return ((client.clone(), c.clone()), (server.clone(), s.clone()));
            }
            let wakes = [
                self.interface.poll_at(now, &self.sockets),
                client.deadline(),
                server.deadline(),
            ];
            // A segment is there at once; only where none is under way time passes.
            if polled == PollResult::None {
                self.now = wakes.into_iter().flatten().min().unwrap_or(now).max(now);
            }
        }
        panic!("it goes on for ever: {runs:?}");
    }
}

fn turn<M: Machine>(
    now: Instant,
    driver: &mut Driver<M>,
    socket: &mut Socket<'_>,
    on_event: &mut impl FnMut(&mut M, M::Event) -> Note,
    (notes, end): &mut (Vec<Note>, Option<Result<(), String>>),
) {
    while end.is_none() {
        match driver.poll(now, socket) {
            Ok(Turn::Event(event)) => {
                match (on_event(driver.machine_mut(), event), notes.last_mut()) {
                    (Note::Data(more), Some(Note::Data(data))) => data.extend(more),
                    (note, _) => notes.push(note),
                }
            }
            Ok(Turn::Waiting) => return,
            Ok(Turn::Closed) => *end = Some(Ok(())),
            Ok(Turn::Unanswered) => panic!("all is answered here"),
            Err(error) => *end = Some(Err(error.to_string())),
        }
    }
}
