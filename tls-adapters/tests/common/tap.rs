//! A machine whose words are written down on their way into TLS.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex},
};

use bytes::{Bytes, BytesMut};
use scop_core::*;

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
