//! The character generator (RFC 864).

use alloc::boxed::Box;

use super::Answer;
use crate::machine::Machine;

/// An answer has 0 to 512 characters (RFC 864, UDP based service).
const MAXIMUM_LENGTH: usize = 512;
/// Printable ASCII characters: the ring that lines are taken from.
const FIRST: u8 = b' ';
const COUNT: usize = 95;
const LINE: usize = 72;

/// Answers of random length, with the popular pattern: lines of 72 characters,
/// each beginning one character further in the ring of 95.
pub(super) fn answers(machine: &'static dyn Machine) -> Answer {
    Box::new(move |buffer, _| {
        let length = machine.entropy() as usize % (MAXIMUM_LENGTH + 1);
        Some(fill(buffer, length))
    })
}

/// Writes the pattern, whole lines and the start of one; gives its length.
pub(super) fn fill(buffer: &mut [u8], length: usize) -> usize {
    let text = (0..).flat_map(|line: usize| {
        (0..LINE)
            .map(move |column| FIRST + ((line + column) % COUNT) as u8)
            .chain(*b"\r\n")
    });
    let room = buffer.iter_mut().take(length);
    room.zip(text)
        .map(|(place, character)| *place = character)
        .count()
}
