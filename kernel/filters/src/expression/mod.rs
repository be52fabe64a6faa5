//! Filter words: which packets a capture takes, in a subset of tcpdump's language.
//!
//! ```text
//! arp  ip  icmp  igmp  udp  tcp            kinds; one may stand in front of the next three
//! [src|dst] host ADDR                      IPv4 or ARP address; `host` may be left out behind src or dst
//! [src|dst] net ADDR/BITS
//! [src|dst] port N                         UDP or TCP port
//! ether host|src|dst MAC
//! broadcast  multicast                     by the destination of the frame
//! less N  greater N                        length of the frame: at most, at least
//! not ..  .. and ..  .. or ..  ( .. )      also ! && ||
//! ```
//!
//! As in tcpdump, `not` binds closest, and `and` and `or` bind alike and from the left. Words are
//! separated by blanks or commas. Nothing at all takes every packet.

mod headers;
mod parse;
mod primitive;
mod write;

#[cfg(test)]
mod tests;

pub use headers::Headers;
pub use parse::ParseError;
pub use primitive::{Primitive, Side};

/// Most steps of an expression: its primitives and the words that join them.
pub const MAXIMUM_STEPS: usize = 48;

/// One step of an expression, in postfix order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Test(Primitive),
    Not,
    And,
    Or,
}

/// Filter words, ready to be applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expression {
    steps: heapless::Vec<Step, MAXIMUM_STEPS>,
}

impl Expression {
    /// Takes every packet.
    pub const fn all() -> Self {
        Self {
            steps: heapless::Vec::new(),
        }
    }

    /// Whether it takes every packet, whatever that is.
    pub fn is_all(&self) -> bool {
        self.steps.is_empty()
    }

    /// Reads filter words.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn parse(text: &str) -> Result<Self, ParseError<'_>> {
        parse::parse(text)
    }

    /// Whether it takes a packet with these headers.
    pub fn matches(&self, headers: &Headers) -> bool {
        // A stack of bits; the steps are fewer than it has.
        const _: () = assert!(MAXIMUM_STEPS < u64::BITS as usize);
        let mut stack = 1_u64;
        for step in &self.steps {
            let top = stack & 1;
            stack = match step {
                Step::Test(primitive) => stack << 1 | u64::from(primitive.matches(headers)),
                Step::Not => stack ^ 1,
                Step::And => stack >> 1 & (top | !1),
                Step::Or => stack >> 1 | top,
            };
        }
        stack & 1 != 0
    }
}
