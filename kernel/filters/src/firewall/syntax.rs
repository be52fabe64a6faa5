//! Rules as text.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

use netstack::Prefix;
use netstack::wire::ipv4::protocol;

use super::rule::{Action, PortRange, Protocol, Rule};
use crate::Direction;
use crate::text::{whole_number, words};

const ADDRESS: &str = "an address such as 10.0.2.2 or 10.0.2.0/24";
const PORTS: &str = "a port or a range such as 7 or 5000-5010";
const NUMBER: &str = "a protocol number, 0 to 255";

/// Why a rule was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleError {
    /// It does not begin with allow, drop or reject.
    NoAction,
    /// A word is none of those there are.
    UnknownWord {
        /// Its place among the words, from 1.
        position: usize,
    },
    /// A word says what another has said.
    Repeated {
        /// Its place.
        position: usize,
    },
    /// What follows a word is not what belongs there.
    InvalidValue {
        /// The place of the word.
        position: usize,
        /// What belongs behind it.
        expected: &'static str,
    },
    /// It names ports of a protocol that has none.
    PortsWithoutTransport,
}

impl fmt::Display for RuleError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAction => formatter.write_str("a rule begins with allow, drop or reject"),
            Self::UnknownWord { position } => write!(formatter, "word {position} is not known"),
            Self::Repeated { position } => {
                write!(formatter, "word {position}: that was said before")
            }
            Self::InvalidValue { position, expected } => {
                write!(formatter, "word {position} needs {expected}")
            }
            Self::PortsWithoutTransport => formatter.write_str("only udp and tcp have ports"),
        }
    }
}

impl core::error::Error for RuleError {}

/// The text is neither allow, drop nor reject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidAction;

impl fmt::Display for InvalidAction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("expected allow, drop or reject")
    }
}

impl core::error::Error for InvalidAction {}

impl FromStr for Action {
    type Err = InvalidAction;

    fn from_str(text: &str) -> Result<Self, InvalidAction> {
        match text {
            "allow" => Ok(Self::Allow),
            "drop" => Ok(Self::Drop),
            "reject" => Ok(Self::Reject),
            _ => Err(InvalidAction),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Allow => "allow",
            Self::Drop => "drop",
            Self::Reject => "reject",
        })
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Arp => formatter.write_str("arp"),
            Self::Ip => formatter.write_str("ip"),
            Self::ICMP => formatter.write_str("icmp"),
            Self::UDP => formatter.write_str("udp"),
            Self::TCP => formatter.write_str("tcp"),
            Self::Number(number) => write!(formatter, "proto {number}"),
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.first())?;
        if self.first() != self.last() {
            write!(formatter, "-{}", self.last())?;
        }
        Ok(())
    }
}

/// A prefix, or an address alone if it is a whole one.
struct Address(Prefix);

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.length() {
            32 => self.0.address().fmt(formatter),
            _ => self.0.fmt(formatter),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.action)?;
        if let Some(direction) = self.direction {
            write!(formatter, " {direction}")?;
        }
        if let Some(protocol) = self.protocol {
            write!(formatter, " {protocol}")?;
        }
        for (word, address) in [("from", self.source), ("to", self.destination)] {
            if let Some(address) = address {
                write!(formatter, " {word} {}", Address(address))?;
            }
        }
        for (word, ports) in [
            ("sport", self.source_ports),
            ("dport", self.destination_ports),
        ] {
            if let Some(ports) = ports {
                write!(formatter, " {word} {ports}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let mut words = words(text).zip(1..);
        let action = words.next().and_then(|(word, _)| word.parse().ok());
        let mut rule = Self {
            action: action.ok_or(RuleError::NoAction)?,
            ..Self::default()
        };
        while let Some((word, position)) = words.next() {
            let mut value = || words.next().map_or("", |(value, _)| value);
            rule.read_word(word, &mut value)
                .map_err(|error| error.at(position))?;
        }
        let has_ports = rule.source_ports.is_some() || rule.destination_ports.is_some();
        if has_ports && !rule.protocol.is_none_or(Protocol::may_have_ports) {
            return Err(RuleError::PortsWithoutTransport);
        }
        Ok(rule)
    }
}

/// What is wrong with a word.
enum WordError {
    Unknown,
    Repeated,
    Value(&'static str),
}

impl WordError {
    const fn at(self, position: usize) -> RuleError {
        match self {
            Self::Unknown => RuleError::UnknownWord { position },
            Self::Repeated => RuleError::Repeated { position },
            Self::Value(expected) => RuleError::InvalidValue { position, expected },
        }
    }
}

impl Rule {
    /// Takes one word, and from `value` the one behind it if it needs one.
    fn read_word<'a>(
        &mut self,
        word: &str,
        value: &mut dyn FnMut() -> &'a str,
    ) -> Result<(), WordError> {
        match word {
            "in" => say(&mut self.direction, Direction::In),
            "out" => say(&mut self.direction, Direction::Out),
            "arp" => say(&mut self.protocol, Protocol::Arp),
            "ip" => say(&mut self.protocol, Protocol::Ip),
            "icmp" => say(&mut self.protocol, Protocol::Number(protocol::ICMP)),
            "udp" => say(&mut self.protocol, Protocol::Number(protocol::UDP)),
            "tcp" => say(&mut self.protocol, Protocol::Number(protocol::TCP)),
            "proto" => {
                let number = number(value()).ok_or(WordError::Value(NUMBER))?;
                say(&mut self.protocol, Protocol::Number(number))
            }
            "from" => say(&mut self.source, address(value())?),
            "to" => say(&mut self.destination, address(value())?),
            "sport" => say(&mut self.source_ports, ports(value())?),
            "dport" => say(&mut self.destination_ports, ports(value())?),
            _ => Err(WordError::Unknown),
        }
    }
}

/// Sets what has not been said yet.
fn say<T>(place: &mut Option<T>, value: T) -> Result<(), WordError> {
    if place.is_some() {
        return Err(WordError::Repeated);
    }
    *place = Some(value);
    Ok(())
}

fn number<T: TryFrom<u64>>(text: &str) -> Option<T> {
    T::try_from(whole_number(text)?).ok()
}

fn address(text: &str) -> Result<Prefix, WordError> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, number(length)),
        None => (text, Some(32)),
    };
    address
        .parse::<Ipv4Addr>()
        .ok()
        .and_then(|address| Prefix::new(address, length?))
        .ok_or(WordError::Value(ADDRESS))
}

fn ports(text: &str) -> Result<PortRange, WordError> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    number(first)
        .zip(number(last))
        .and_then(|(first, last)| PortRange::new(first, last))
        .ok_or(WordError::Value(PORTS))
}
