//! The terminal that the guest's console draws on: lines of text, and the few control sequences that line editors use (ECMA-48).

/// A line editor's question for the cursor's place (device status report, `ESC [ 6 n`).
const CURSOR_REPORT: u8 = b'n';
/// The answer: a wide terminal, so that nothing wraps.
pub const CURSOR_ANSWER: &[u8] = b"\x1b[24;400R";

/// Where the reading of a control sequence stands.
#[derive(Clone, Debug, Default)]
enum Sequence {
    #[default]
    None,
    Escape,
    /// After `ESC [`: the parameter bytes so far.
    Control(Vec<u8>),
}

/// Everything that was ever drawn, line by line. The last line is the one the cursor stands on.
#[derive(Clone, Debug)]
pub struct Screen {
    lines: Vec<Vec<u8>>,
    column: usize,
    sequence: Sequence,
    questions: usize,
}

impl Default for Screen {
    fn default() -> Self {
        Self::new()
    }
}

impl Screen {
    /// An empty screen.
    pub fn new() -> Self {
        Self {
            lines: vec![Vec::new()],
            column: 0,
            sequence: Sequence::None,
            questions: 0,
        }
    }

    /// Draws what the guest sent.
    pub fn draw(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match std::mem::take(&mut self.sequence) {
                Sequence::None => self.draw_byte(byte),
                Sequence::Escape if byte == b'[' => self.sequence = Sequence::Control(Vec::new()),
                Sequence::Escape => {}
                Sequence::Control(mut parameters) => {
                    if (0x40..=0x7e).contains(&byte) {
                        self.control(byte, &parameters);
                    } else {
                        parameters.push(byte);
                        self.sequence = Sequence::Control(parameters);
                    }
                }
            }
        }
    }

    /// How many lines are complete; the line of that index is the current one.
    pub fn complete(&self) -> usize {
        self.lines.len() - 1
    }

    /// A line's text; empty if there is no such line.
    pub fn line(&self, index: usize) -> String {
        self.lines
            .get(index)
            .map(|line| String::from_utf8_lossy(line).into_owned())
            .unwrap_or_default()
    }

    /// The line the cursor stands on.
    pub fn current(&self) -> String {
        self.line(self.complete())
    }

    /// How often the guest asked where the cursor is since the last call.
    pub fn take_questions(&mut self) -> usize {
        std::mem::take(&mut self.questions)
    }

    fn draw_byte(&mut self, byte: u8) {
        match byte {
            0x1b => self.sequence = Sequence::Escape,
            b'\r' => self.column = 0,
            b'\n' => {
                self.lines.push(Vec::new());
                self.column = 0;
            }
            0x08 => self.column = self.column.saturating_sub(1),
            0x00..=0x1f | 0x7f => {}
            _ => self.put(byte),
        }
    }

    fn put(&mut self, byte: u8) {
        let column = self.column;
        let line = self.current_line();
        if line.len() <= column {
            line.resize(column + 1, b' ');
        }
        line[column] = byte;
        self.column += 1;
    }

    fn control(&mut self, function: u8, parameters: &[u8]) {
        let number = std::str::from_utf8(parameters)
            .ok()
            .and_then(|text| text.parse::<usize>().ok());
        match function {
            b'C' => self.column += number.unwrap_or(1).max(1),
            b'D' => self.column = self.column.saturating_sub(number.unwrap_or(1).max(1)),
            b'G' => self.column = number.unwrap_or(1).max(1) - 1,
            b'J' | b'K' => self.erase(number.unwrap_or(0)),
            CURSOR_REPORT if number == Some(6) => self.questions += 1,
            _ => {}
        }
    }

    /// Erases to the end of the line (0), up to the cursor (1), or the whole line (2).
    fn erase(&mut self, part: usize) {
        let column = self.column;
        let line = self.current_line();
        match part {
            0 => line.truncate(column),
            1 => line
                .iter_mut()
                .take(column + 1)
                .for_each(|byte| *byte = b' '),
            _ => line.clear(),
        }
    }

    fn current_line(&mut self) -> &mut Vec<u8> {
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(bytes: &[u8]) -> Screen {
        let mut screen = Screen::new();
        screen.draw(bytes);
        screen
    }

    #[test]
    fn lines_end_with_carriage_return_and_line_feed() {
        let screen = drawn(b"one\r\ntwo");
        assert_eq!(
            (screen.complete(), screen.line(0), screen.current()),
            (1, "one".into(), "two".into())
        );
    }

    #[test]
    fn a_prompt_is_replaced_by_a_record_and_drawn_again() {
        let screen = drawn(b"net> hel\r\x1b[K[ 0.1] INFO x: y\r\nnet> hel");
        assert_eq!(
            (screen.line(0), screen.current()),
            ("[ 0.1] INFO x: y".into(), "net> hel".into())
        );
    }

    #[test]
    fn backspace_and_erase_take_characters_away() {
        assert_eq!(drawn(b"abc\x08\x08\x1b[K").current(), "a");
        assert_eq!(drawn(b"abc\x08 \x08").current(), "ab ");
        assert_eq!(drawn(b"abc\x1b[2Dx").current(), "axc");
    }

    #[test]
    fn the_question_for_the_cursor_is_counted_and_draws_nothing() {
        let mut screen = drawn(b"\x1b7\x1b[999;999H\x1b[6n\x1b8x");
        assert_eq!(
            (
                screen.take_questions(),
                screen.take_questions(),
                screen.current()
            ),
            (1, 0, "x".into())
        );
    }

    #[test]
    fn a_sequence_may_come_in_pieces() {
        let mut screen = drawn(b"abc\x1b");
        screen.draw(b"[1");
        screen.draw(b"D\x1b[K");
        assert_eq!(screen.current(), "ab");
    }
}
