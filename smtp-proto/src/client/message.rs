//! The message itself: streamed, never held.

use bytes::{Buf, Bytes};
use scop_core::Misuse;

use super::{BodyError, Client, Kind, TransactionStage};

const NOT_WANTED: Misuse = Misuse {
    what: "no message is wanted now",
    help: "wait for ClientEvent::Body",
};

impl Client {
    /// Takes as much of the message off the front of `data` as there is room for. If
    /// a rest is left, [`ClientEvent::Room`](super::ClientEvent::Room) says when to go
    /// on. Lines end in CRLF; dots are stuffed here. Large pieces are passed on
    /// uncopied.
    ///
    /// # Errors
    ///
    /// [`BodyError`]: out of turn; for a bare CR, LF or NUL, as the configuration
    /// says; for 8-bit content that was not declared. What stands before the bad byte
    /// may be on its way: [`abort`](Client::abort), for the message cannot be finished
    /// any more.
    pub fn body(&mut self, data: &mut Bytes) -> Result<(), BodyError> {
        self.body_wanted()?;
        self.wants_room = false;
        while !data.is_empty() {
            let room = self.out.room();
            if room == 0 {
                self.wants_room = true;
                return Ok(());
            }
            self.restart |= self.flushed && self.out.is_empty();
            let mut piece = data.slice(..room.min(data.len()));
            if !self.eight_bit && !piece.is_ascii() {
                self.broken = Some(BodyError::EightBit);
                return Err(BodyError::EightBit);
            }
            let before = piece.len();
            let result = self.encoder.write(&mut piece, &mut self.out);
            data.advance(before - piece.len());
            result?;
            self.flushed = false;
        }
        Ok(())
    }

    /// Ends the message: completes its last line and sends the lone dot. Its reply
    /// comes to the handle of [`data`](Client::data).
    ///
    /// # Errors
    ///
    /// [`BodyError`]: out of turn, or the message has a byte that cannot be sent.
    pub fn finish(&mut self) -> Result<(), BodyError> {
        self.body_wanted()?;
        self.encoder.finish(&mut self.out)?;
        if let Some(front) = self.sent.front_mut() {
            front.kind = Kind::Message;
        }
        self.stage = TransactionStage::Idle;
        self.wants_room = false;
        self.flushed = false;
        self.restart = true;
        self.pump();
        Ok(())
    }

    fn body_wanted(&self) -> Result<(), BodyError> {
        if self.stage != TransactionStage::Body || self.error.is_some() {
            return Err(NOT_WANTED.into());
        }
        self.broken.map_or(Ok(()), Err)
    }
}
