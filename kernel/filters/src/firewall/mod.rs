//! A packet filter: ordered rules on direction, protocol, addresses and ports, of which the first
//! that applies decides; when none does, the default (at first: allow) decides.
//!
//! A frame whose headers are malformed is dropped whatever the rules say, and counted by what is
//! wrong with it: it cannot be told which rule would apply, and no host takes it (RFC 1122 section
//! 3.2.1). The same goes for fragments that are made to hide a transport header (RFC 1858, RFC
//! 3128).
//!
//! Rules look at the first fragment of a datagram; those that follow share its fate for a minute.
//! One whose first fragment is not known is decided by the rules without ports, since it has none.
//!
//! A rejected frame is answered with what its sender would get if nobody were there: a TCP segment
//! with a reset (RFC 9293 section 3.10.7.1), a UDP datagram with "port unreachable", anything else
//! in IPv4 with "communication administratively prohibited" (RFC 1812 section 5.2.7.1). There is
//! no answer to what RFC 1122 section 3.2.2 forbids: to ICMP errors, to what was sent to several
//! (by its IP or its link-layer address), to fragments other than the first, and to what does not
//! come from one host; nor to resets, and to what has a wrong transport checksum. 100 answers a
//! second are given, 20 at once. An answer goes the way the frame came from: down to the wire for
//! a received one, up to the own protocols for one they sent. It does not pass the rules.

mod answer;
mod counters;
mod fragments;
mod rate;
mod rule;
mod subject;
mod syntax;
mod table;

#[cfg(test)]
mod tests;

use core::fmt;

use ndis::Packet;

pub use counters::{FirewallCounters, Verdicts};
pub use rule::{Action, PortRange, Protocol, Rule};
pub use syntax::{InvalidAction, RuleError};
pub use table::{Hits, MAXIMUM_RULES, TableError};

use crate::text::words;
use crate::{Direction, PacketHandler, Path};
use answer::{Answer, Message};
use fragments::Fragments;
use rate::AnswerRate;
use subject::{Ip, Malformed, Subject};
use table::{Decider, Table};

/// The filter that lets through what its rules allow.
#[derive(Default)]
pub struct Firewall {
    table: Table,
    fragments: Fragments,
    rate: AnswerRate,
    counters: FirewallCounters,
}

impl Firewall {
    /// A firewall without rules that allows everything well-formed. About 5 KiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces rules and default by those in `text`: rules (see [`Rule`]) and `default
    /// allow|drop|reject`, separated by semicolons or line ends. Without a default: allow.
    ///
    /// # Errors
    /// The first thing wrong; rules and default are as they were then.
    pub fn load(&mut self, text: &str) -> Result<(), LoadError> {
        let lines = || {
            let parts = text.split([';', '\n']).zip(1..);
            parts.filter(|(part, _)| words(part).next().is_some())
        };
        // Everything is read before anything is changed, and again then: a second table would be
        // large for a stack.
        let mut rules = 0;
        for (part, position) in lines() {
            let error = |problem| LoadError { position, problem };
            rules += usize::from(matches!(read_line(part).map_err(error)?, Line::Rule(_)));
            if rules > MAXIMUM_RULES {
                return Err(error(LoadProblem::Table(TableError::Full)));
            }
        }
        self.clear();
        self.set_default(Action::default());
        for (part, position) in lines() {
            let error = |problem| LoadError { position, problem };
            match read_line(part).map_err(error)? {
                Line::Default(action) => self.set_default(action),
                Line::Rule(rule) => self
                    .add(rule)
                    .map_err(|full| error(LoadProblem::Table(full)))?,
            }
        }
        Ok(())
    }

    /// Puts a rule behind the last.
    ///
    /// # Errors
    /// [`TableError::Full`].
    pub fn add(&mut self, rule: Rule) -> Result<(), TableError> {
        self.fragments.clear();
        self.table.add(rule)
    }

    /// Makes a rule the one with the number `position`, counted from 1; those from there on move
    /// back by one.
    ///
    /// # Errors
    /// [`TableError::Full`], or [`TableError::NoSuchPosition`] for 0 and for more than one behind
    /// the last.
    pub fn insert(&mut self, position: usize, rule: Rule) -> Result<(), TableError> {
        self.fragments.clear();
        self.table.insert(position, rule)
    }

    /// Takes out the rule with the number `position`, counted from 1.
    ///
    /// # Errors
    /// [`TableError::NoSuchPosition`].
    pub fn delete(&mut self, position: usize) -> Result<Rule, TableError> {
        self.fragments.clear();
        self.table.delete(position)
    }

    /// Takes out all rules; the default stays.
    pub fn clear(&mut self) {
        self.fragments.clear();
        self.table.clear();
    }

    /// Sets what is done with frames to which no rule applies.
    pub fn set_default(&mut self, action: Action) {
        self.fragments.clear();
        self.table.set_default(action);
    }

    /// What is done with frames to which no rule applies.
    pub const fn default_action(&self) -> Action {
        self.table.default_action()
    }

    /// Frames to which no rule applied.
    pub const fn default_hits(&self) -> Hits {
        self.table.default_hits()
    }

    /// The rules in order, each with what it was applied to.
    pub fn rules(&self) -> impl ExactSizeIterator<Item = (&Rule, &Hits)> {
        self.table.rules()
    }

    /// The counters.
    pub const fn firewall_counters(&self) -> &FirewallCounters {
        &self.counters
    }

    /// Decides about a frame.
    fn filter(&mut self, direction: Direction, packet: Packet, path: &mut Path<'_>) {
        let subject = match Subject::of(&packet) {
            Ok(subject) => subject,
            Err(malformed) => {
                *self.malformed(malformed) += 1;
                return;
            }
        };
        let decider = self.decide(direction, &subject, path);
        let action = self.table.hit(decider, packet.len());
        let verdicts = match direction {
            Direction::Out => &mut self.counters.outbound,
            Direction::In => &mut self.counters.inbound,
        };
        match action {
            Action::Allow => {
                verdicts.allowed += 1;
                path.pass(direction, packet);
            }
            Action::Drop => verdicts.dropped += 1,
            Action::Reject => {
                verdicts.rejected += 1;
                self.answer(direction, &packet, &subject, path);
            }
        }
    }

    /// Which rule decides about a frame.
    fn decide(&mut self, direction: Direction, subject: &Subject, path: &Path<'_>) -> Decider {
        match subject {
            Subject::Ip(ip) if ip.header.is_fragment() => {
                self.decide_fragment(direction, ip, subject, path)
            }
            _ => self.table.decide(direction, subject),
        }
    }

    fn decide_fragment(
        &mut self,
        direction: Direction,
        ip: &Ip,
        subject: &Subject,
        path: &Path<'_>,
    ) -> Decider {
        let now = path.now();
        if ip.is_later_fragment() {
            if let Some(decider) = self.fragments.recall(direction, &ip.header, now) {
                self.counters.fragments_with_first += 1;
                return decider;
            }
            self.counters.fragments_alone += 1;
            return self.table.decide(direction, subject);
        }
        let decider = self.table.decide(direction, subject);
        self.fragments.remember(direction, &ip.header, decider, now);
        decider
    }

    /// Tells the sender of a rejected frame, if that is right.
    fn answer(
        &mut self,
        direction: Direction,
        packet: &Packet,
        subject: &Subject,
        path: &mut Path<'_>,
    ) {
        let answer = match subject {
            Subject::Ip(ip) => Answer::to(packet, ip).map(|answer| (answer, ip)),
            Subject::Arp { .. } | Subject::Other => None,
        };
        let Some((answer, ip)) = answer else {
            self.counters.unanswerable += 1;
            return;
        };
        let now = path.now();
        if !self.rate.take(now) {
            self.counters.rate_limited += 1;
            return;
        }
        let Some(mut frame) = answer.build(packet, ip, path.pool()) else {
            self.counters.no_packet += 1;
            return;
        };
        match answer.message {
            Message::Unreachable { .. } => self.counters.icmp_errors += 1,
            Message::Reset(_) => self.counters.resets += 1,
        }
        match direction {
            Direction::In => path.pass_down(frame),
            Direction::Out => {
                frame.info_mut().timestamp = now;
                path.pass_up(frame);
            }
        }
    }

    /// The counter for what is wrong with a frame.
    const fn malformed(&mut self, malformed: Malformed) -> &mut u64 {
        let counters = &mut self.counters;
        match malformed {
            Malformed::Ethernet => &mut counters.malformed_ethernet,
            Malformed::Arp => &mut counters.malformed_arp,
            Malformed::Ip => &mut counters.malformed_ip,
            Malformed::Transport => &mut counters.malformed_transport,
            Malformed::TinyFragment => &mut counters.tiny_fragments,
        }
    }
}

impl PacketHandler for Firewall {
    const USES_TIMER: bool = false;

    fn send(&mut self, packet: Packet, path: &mut Path<'_>) {
        self.filter(Direction::Out, packet, path);
    }

    fn receive(&mut self, packet: Packet, path: &mut Path<'_>) {
        self.filter(Direction::In, packet, path);
    }

    fn counters(&self, each: &mut dyn FnMut(&'static str, u64)) {
        self.counters.tell(each);
    }
}

/// What is loaded.
enum Line {
    Rule(Rule),
    Default(Action),
}

/// Reads a rule or the default.
fn read_line(text: &str) -> Result<Line, LoadProblem> {
    let mut words = words(text);
    if words.next() != Some("default") {
        return text.parse().map(Line::Rule).map_err(LoadProblem::Rule);
    }
    match (words.next().unwrap_or_default().parse(), words.next()) {
        (Ok(action), None) => Ok(Line::Default(action)),
        _ => Err(LoadProblem::Default(InvalidAction)),
    }
}

/// Why rules were not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The place among what semicolons and line ends separate, from 1.
    pub position: usize,
    /// What is wrong with it.
    pub problem: LoadProblem,
}

/// What is wrong with one of the rules to be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadProblem {
    /// The rule itself.
    Rule(RuleError),
    /// The default is not an action.
    Default(InvalidAction),
    /// There are too many.
    Table(TableError),
}

impl fmt::Display for LoadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "rule {}: ", self.position)?;
        match self.problem {
            LoadProblem::Rule(error) => error.fmt(formatter),
            LoadProblem::Default(error) => error.fmt(formatter),
            LoadProblem::Table(error) => error.fmt(formatter),
        }
    }
}

impl core::error::Error for LoadError {}
