//! Base64 (RFC 4648 section 4) in the frame that `uudecode` reads (POSIX `uuencode -m`).

use core::fmt::{self, Write};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Bytes of a line: 76 characters.
const LINE: usize = 57;
/// Marks the end.
const END: &str = "====";

/// Writes bytes as lines of text.
pub(super) struct Base64Lines<'a, W> {
    output: &'a mut W,
    /// What does not fill a line yet.
    pending: heapless::Vec<u8, LINE>,
}

impl<'a, W: Write> Base64Lines<'a, W> {
    /// Begins with the line that names the file, which anybody may read and its owner
    /// change.
    ///
    /// # Errors
    /// The output's.
    pub(super) fn begin(output: &'a mut W, name: &str) -> Result<Self, fmt::Error> {
        writeln!(output, "begin-base64 644 {name}")?;
        Ok(Self {
            output,
            pending: heapless::Vec::new(),
        })
    }

    /// Writes the lines that are full.
    ///
    /// # Errors
    /// The output's.
    pub(super) fn write(&mut self, bytes: &[u8]) -> fmt::Result {
        for &byte in bytes {
            if self.pending.push(byte).is_err() {
                self.end_line()?;
                // There is room now.
                let _ = self.pending.push(byte);
            }
        }
        Ok(())
    }

    /// Writes the rest and the line that ends it.
    ///
    /// # Errors
    /// The output's.
    pub(super) fn end(mut self) -> fmt::Result {
        if !self.pending.is_empty() {
            self.end_line()?;
        }
        writeln!(self.output, "{END}")
    }

    fn end_line(&mut self) -> fmt::Result {
        let mut line = heapless::String::<{ LINE.div_ceil(3) * 4 }>::new();
        for group in self.pending.chunks(3) {
            for digit in digits(group) {
                line.push(digit).map_err(|_| fmt::Error)?;
            }
        }
        self.pending.clear();
        writeln!(self.output, "{line}")
    }
}

/// The four characters of one to three bytes.
fn digits(group: &[u8]) -> [char; 4] {
    let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
    let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    let mut digits = ['='; 4];
    for (place, digit) in digits.iter_mut().enumerate().take(group.len() + 1) {
        let index = bits >> (18 - 6 * place) & 63;
        if let Some(&letter) = ALPHABET.get(index as usize) {
            *digit = char::from(letter);
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::string::String;
    use std::vec::Vec;

    use base64::prelude::{BASE64_STANDARD, Engine};
    use proptest::prelude::*;

    use super::Base64Lines;

    proptest! {
        #[test]
        fn what_is_written_in_pieces_is_read_back_whole(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..100), 0..10)
        ) {
            let mut text = String::new();
            let mut lines = Base64Lines::begin(&mut text, "name").unwrap();
            for piece in &pieces {
                lines.write(piece).unwrap();
            }
            lines.end().unwrap();
            let mut lines: Vec<_> = text.lines().collect();
            prop_assert_eq!(lines.remove(0), "begin-base64 644 name");
            prop_assert_eq!(lines.pop(), Some("===="));
            prop_assert!(lines.iter().rev().skip(1).all(|line| line.len() == 76));
            let decoded = BASE64_STANDARD.decode(lines.concat()).unwrap();
            prop_assert_eq!(decoded, pieces.concat());
        }
    }
}
