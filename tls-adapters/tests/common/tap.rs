//! A machine whose words are written down on their way into TLS.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex},
};

use bytes::{Bytes, BytesMut};
use scop_core::*;
use scop_tls_adapters::Tls;

/// What was said, by whom, in the order it was said; words in a row are one entry.
pub type Log = Arc<Mutex<Vec<(char, Vec<u8>)>>>;

/// Writes down what the machine in it sends.
pub struct Tap<M> {
    machine: M,
    who: char,
    log: Log,
}

impl<M> Tap<M> {
    pub fn new(machine: M, who: char, log: &Log) -> Self {
        let log = log.clone();
        Tap { machine, who, log }
    }
}

impl<M> Deref for Tap<M> {
    type Target = M;
    fn deref(&self) -> &M {
        &self.machine
    }
}

impl<M> DerefMut for Tap<M> {
    fn deref_mut(&mut self) -> &mut M {
        &mut self.machine
    }
}

impl<M: Machine> Machine for Tap<M> {
    type Event = M::Event;
    type Error = M::Error;

    fn read(&mut self, now: Instant, input: &mut BytesMut) -> Result<Next<M::Event>, M::Error> {
        self.machine.read(now, input)
    }

    fn read_closed(&mut self, now: Instant) {
        self.machine.read_closed(now);
    }

    fn transmit(&mut self, now: Instant) -> Option<Bytes> {
        let chunk = self.machine.transmit(now)?;
        let mut log = self.log.lock().unwrap();
        match log.last_mut() {
            Some((who, said)) if *who == self.who => said.extend_from_slice(&chunk),
            _ => log.push((self.who, chunk.to_vec())),
        }
        Some(chunk)
    }

    fn deadline(&self) -> Option<(Instant, Timer)> {
        self.machine.deadline()
    }

    fn expire(&mut self, now: Instant) {
        self.machine.expire(now);
    }

    fn upgraded(&mut self, now: Instant, channel: Channel) {
        self.machine.upgraded(now, channel);
    }
}

/// A layer whose output is what the machine inside sent.
pub struct Seen<M: Machine>(pub Tls<Tap<M>>, pub Log);

impl<M: Machine> Machine for Seen<M> {
    type Event = M::Event;
    type Error = <Tls<Tap<M>> as Machine>::Error;
    fn read(&mut self, now: Instant, input: &mut BytesMut) -> Result<Next<M::Event>, Self::Error> {
        self.0.read(now, input)
    }
    fn read_closed(&mut self, now: Instant) {
        self.0.read_closed(now);
    }
    fn transmit(&mut self, now: Instant) -> Option<Bytes> {
        while self.1.lock().unwrap().is_empty() {
            self.0.transmit(now)?;
        }
        let said = std::mem::take(&mut *self.1.lock().unwrap());
        said.into_iter().next().map(|(_, said)| said.into())
    }
    fn deadline(&self) -> Option<(Instant, Timer)> {
        self.0.deadline()
    }
    fn expire(&mut self, now: Instant) {
        self.0.expire(now);
    }
    fn upgraded(&mut self, now: Instant, channel: Channel) {
        self.0.upgraded(now, channel);
    }
}

/// The log as `C:` and `S:` lines.
pub fn transcript(log: &Log) -> String {
    let mut text = String::new();
    for (who, said) in log.lock().unwrap().iter() {
        for line in said.split_inclusive(|b| *b == b'\n') {
            text.push_str(&format!("{who}: {}\n", line.escape_ascii()));
        }
    }
    text
}
