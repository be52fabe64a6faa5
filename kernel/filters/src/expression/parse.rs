//! From words to an expression, by two stacks: nothing recurses, so nothing can be nested too deep.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

use ndis::HardwareAddress;
use netstack::wire::ipv4::protocol;

use super::primitive::{Primitive, Side, network};
use super::{Expression, MAXIMUM_STEPS, Step};

/// What is wrong with filter words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError<'a> {
    /// Something else than this word was expected.
    Unexpected {
        /// The word.
        word: &'a str,
        /// What was expected.
        expected: &'static str,
    },
    /// The words end where something was expected.
    Incomplete {
        /// What was expected.
        expected: &'static str,
    },
    /// There are more words than an expression has steps, or than can wait for their end.
    TooLong,
}

impl fmt::Display for ParseError<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected { word, expected } => {
                write!(formatter, "`{}`: {expected} expected", word.escape_debug())
            }
            Self::Incomplete { expected } => write!(formatter, "{expected} expected at the end"),
            Self::TooLong => formatter.write_str("too many words"),
        }
    }
}

/// The words of a text; parentheses and `!` are words by themselves.
#[derive(Clone)]
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let is_separator = |character: char| character.is_whitespace() || character == ',';
        let rest = self.rest.trim_start_matches(is_separator);
        let is_single = |character| matches!(character, '(' | ')' | '!');
        let is_end = |character| is_separator(character) || is_single(character);
        let first = rest.chars().next()?;
        let length = if is_single(first) {
            first.len_utf8()
        } else {
            rest.find(is_end).unwrap_or(rest.len())
        };
        let (word, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(word)
    }
}

impl<'a> Words<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.clone().next()
    }

    /// The next word, which must be there.
    fn expect(&mut self, expected: &'static str) -> Result<&'a str, ParseError<'a>> {
        self.next().ok_or(ParseError::Incomplete { expected })
    }

    /// The next word, as something `read` makes of it.
    fn read<T>(
        &mut self,
        expected: &'static str,
        read: impl Fn(&'a str) -> Option<T>,
    ) -> Result<T, ParseError<'a>> {
        let word = self.expect(expected)?;
        read(word).ok_or(ParseError::Unexpected { word, expected })
    }
}

const ADDRESS: &str = "an IPv4 address";

/// What waits for the operand behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    Open,
    Not,
    And,
    Or,
}

/// The steps so far, and what waits.
struct Parser {
    expression: Expression,
    waiting: heapless::Vec<Waiting, MAXIMUM_STEPS>,
}

impl Parser {
    fn step<'a>(&mut self, step: Step) -> Result<(), ParseError<'a>> {
        let pushed = self.expression.steps.push(step);
        pushed.map_err(|_| ParseError::TooLong)
    }

    fn wait<'a>(&mut self, waiting: Waiting) -> Result<(), ParseError<'a>> {
        let pushed = self.waiting.push(waiting);
        pushed.map_err(|_| ParseError::TooLong)
    }

    /// An operand is complete: every `not` in front of it has its own.
    fn finish_operand<'a>(&mut self) -> Result<(), ParseError<'a>> {
        while self.waiting.last() == Some(&Waiting::Not) {
            self.waiting.pop();
            self.step(Step::Not)?;
        }
        Ok(())
    }

    /// The right side of an `and` or `or` is complete.
    fn finish_binary<'a>(&mut self) -> Result<(), ParseError<'a>> {
        let step = match self.waiting.last() {
            Some(Waiting::And) => Step::And,
            Some(Waiting::Or) => Step::Or,
            _ => return Ok(()),
        };
        self.waiting.pop();
        self.step(step)
    }

    /// `and` or `or`: what is in front of it is its left side.
    fn binary<'a>(&mut self, waiting: Waiting) -> Result<(), ParseError<'a>> {
        self.finish_binary()?;
        self.wait(waiting)
    }

    /// A closing parenthesis; false if none is open.
    fn close<'a>(&mut self) -> Result<bool, ParseError<'a>> {
        self.finish_binary()?;
        let is_open = self.waiting.last() == Some(&Waiting::Open);
        if is_open {
            self.waiting.pop();
            self.finish_operand()?;
        }
        Ok(is_open)
    }

    /// A word where an operand may begin; whether it is complete.
    fn operand<'a>(
        &mut self,
        word: &'a str,
        words: &mut Words<'a>,
    ) -> Result<bool, ParseError<'a>> {
        match word {
            "(" => self.wait(Waiting::Open)?,
            "!" | "not" => self.wait(Waiting::Not)?,
            _ => {
                self.primitive(word, words)?;
                self.finish_operand()?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn primitive<'a>(
        &mut self,
        word: &'a str,
        words: &mut Words<'a>,
    ) -> Result<(), ParseError<'a>> {
        let Some(kind) = kind(word) else {
            let primitive = qualified(word, words)?;
            return self.step(Step::Test(primitive));
        };
        self.step(Step::Test(kind))?;
        // `udp port 7` is one primitive.
        if let Some(word @ ("src" | "dst" | "host" | "net" | "port")) = words.peek() {
            words.next();
            let primitive = qualified(word, words)?;
            self.step(Step::Test(primitive))?;
            self.step(Step::And)?;
        }
        Ok(())
    }
}

/// Reads filter words.
pub(super) fn parse(text: &str) -> Result<Expression, ParseError<'_>> {
    let mut words = Words { rest: text };
    let mut parser = Parser {
        expression: Expression::all(),
        waiting: heapless::Vec::new(),
    };
    if words.peek().is_none() {
        return Ok(parser.expression);
    }
    let mut is_complete = false;
    while let Some(word) = words.next() {
        if !is_complete {
            is_complete = parser.operand(word, &mut words)?;
            continue;
        }
        let unexpected = |expected| Err(ParseError::Unexpected { word, expected });
        match word {
            "and" | "&&" => parser.binary(Waiting::And)?,
            "or" | "||" => parser.binary(Waiting::Or)?,
            ")" if parser.close()? => continue,
            ")" => return unexpected("an open parenthesis"),
            _ => return unexpected("and, or"),
        }
        is_complete = false;
    }
    if !is_complete {
        let expected = "a filter word";
        return Err(ParseError::Incomplete { expected });
    }
    parser.finish_binary()?;
    if parser.waiting.is_empty() {
        Ok(parser.expression)
    } else {
        Err(ParseError::Incomplete { expected: "`)`" })
    }
}

/// The kind of packet that a word names.
fn kind(word: &str) -> Option<Primitive> {
    Some(match word {
        "arp" => Primitive::Arp,
        "ip" => Primitive::Ip,
        "icmp" => Primitive::Protocol(protocol::ICMP),
        "igmp" => Primitive::Protocol(protocol::IGMP),
        "tcp" => Primitive::Protocol(protocol::TCP),
        "udp" => Primitive::Protocol(protocol::UDP),
        _ => return None,
    })
}

/// A primitive of which `word` is the first word.
fn qualified<'a>(word: &'a str, words: &mut Words<'a>) -> Result<Primitive, ParseError<'a>> {
    match word {
        "src" => of_side(Side::Source, words),
        "dst" => of_side(Side::Destination, words),
        "host" | "net" | "port" => of_kind(Side::Either, word, words),
        "ether" => ether(words),
        "broadcast" => Ok(Primitive::Broadcast),
        "multicast" => Ok(Primitive::Multicast),
        "less" => words.read("a length", number).map(Primitive::Less),
        "greater" => words.read("a length", number).map(Primitive::Greater),
        _ => Err(ParseError::Unexpected {
            word,
            expected: "a filter word",
        }),
    }
}

/// What follows `src` or `dst`.
fn of_side<'a>(side: Side, words: &mut Words<'a>) -> Result<Primitive, ParseError<'a>> {
    let word = words.expect("host, net, port or an IPv4 address")?;
    match word {
        "host" | "net" | "port" => of_kind(side, word, words),
        _ => match number(word) {
            Some(address) => Ok(Primitive::Host(side, address)),
            None => Err(ParseError::Unexpected {
                word,
                expected: "host, net, port or an IPv4 address",
            }),
        },
    }
}

/// What follows `host`, `net` or `port`.
fn of_kind<'a>(
    side: Side,
    word: &'a str,
    words: &mut Words<'a>,
) -> Result<Primitive, ParseError<'a>> {
    match word {
        "host" => {
            let address = words.read(ADDRESS, number)?;
            Ok(Primitive::Host(side, address))
        }
        "net" => {
            let (address, length) = words.read("an IPv4 address/bits", prefix)?;
            Ok(Primitive::Net(side, network(address, length), length))
        }
        _ => {
            let port = words.read("a port", number)?;
            Ok(Primitive::Port(side, port))
        }
    }
}

/// What follows `ether`.
fn ether<'a>(words: &mut Words<'a>) -> Result<Primitive, ParseError<'a>> {
    let expected = "host, src, dst, broadcast or multicast";
    let word = words.expect(expected)?;
    let side = match word {
        "broadcast" => return Ok(Primitive::Broadcast),
        "multicast" => return Ok(Primitive::Multicast),
        "host" => Side::Either,
        "src" => Side::Source,
        "dst" => Side::Destination,
        _ => return Err(ParseError::Unexpected { word, expected }),
    };
    if side != Side::Either && words.peek() == Some("host") {
        words.next();
    }
    let address = words.read("a hardware address", HardwareAddress::parse)?;
    Ok(Primitive::EtherHost(side, address))
}

fn number<T: FromStr>(word: &str) -> Option<T> {
    word.parse().ok()
}

/// An address, and the number of its bits that count.
fn prefix(word: &str) -> Option<(Ipv4Addr, u8)> {
    let (address, length) = word.split_once('/')?;
    let length = number(length).filter(|&length| length <= 32)?;
    Some((number(address)?, length))
}
