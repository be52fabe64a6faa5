//! Filters: putting them into stacks, their settings and rules.

use core::fmt::Write;

use filters::firewall::{Action, Rule};
use filters::{FilterKind, FilterReport, Filters};

use super::super::Failure;
use super::super::format::OrDash;
use super::nic::{ADAPTER, first_adapter, named_adapter};
use super::{Arguments, CommandError, Outcome, Session};

const FORMS: &str = "list, add, remove, set or rules";
const KIND: &str = "KIND (capture, netem or firewall)";
const NAME: &str = "NAME of a filter (`filter list` lists them)";
const ABOVE: &str = "`above`";
const SETTINGS: &str = "SETTINGS (such as loss=1% delay=10ms)";
const RULE_FORMS: &str = "list, add, insert, delete, default or clear";
const RULE: &str = "RULE (such as drop in udp dport 7)";
const ACTION: &str = "allow, drop or reject";

pub(super) fn filter(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    match arguments.optional_word()? {
        None | Some("list") => {
            arguments.end()?;
            list(session);
            Ok(())
        }
        Some("add") => add(session, arguments),
        Some("remove") => remove(session, arguments),
        Some("set") => set(session, arguments),
        Some("rules") => rules(session, arguments),
        Some(other) => Err(Arguments::unknown(other, FORMS)),
    }
}

fn list(session: &mut Session) {
    let filters = session.system.filters;
    let _ = writeln!(
        session.output,
        "{:<12} {:<9} {:<12} {:<8} {:>10} {:>10} SETTINGS",
        "NAME", "KIND", "ABOVE", "STATE", "DOWN", "UP"
    );
    for filter in filters.list() {
        let state = match (filter.below, filter.is_running) {
            (None, _) => "unused",
            (Some(_), true) => "running",
            (Some(_), false) => "stopped",
        };
        let _ = write!(
            session.output,
            "{:<12} {:<9} {:<12} {state:<8} {:>10} {:>10} ",
            filter.name,
            filter.kind,
            OrDash(filter.below),
            filter.counters.passed_down,
            filter.counters.passed_up
        );
        settings(session, &filter);
    }
}

/// Ends the line of a filter with what it is set to.
fn settings(session: &mut Session, filter: &FilterReport) {
    let filters = session.system.filters;
    let name = filter.name;
    let output = &mut session.output;
    let _ = match filter.kind {
        FilterKind::Capture => match filters.with_capture(name, |capture| capture.state()) {
            Ok(state) => writeln!(
                output,
                "{} {} packets",
                if state.is_running { "on" } else { "off" },
                state.packets
            ),
            Err(error) => writeln!(output, "({error})"),
        },
        FilterKind::Netem => match filters.with_netem(name, |netem| *netem.settings()) {
            Ok(settings) => writeln!(output, "{settings}"),
            Err(error) => writeln!(output, "({error})"),
        },
        FilterKind::Firewall => {
            let looked = filters.with_firewall(name, |firewall| {
                (firewall.rules().len(), firewall.default_action())
            });
            match looked {
                Ok((count, default)) => writeln!(output, "{count} rules, default {default}"),
                Err(error) => writeln!(output, "({error})"),
            }
        }
    };
}

fn add(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let kind: FilterKind = arguments.value(KIND)?;
    let adapter = match arguments.optional_word()? {
        None => first_adapter(session)?.top(),
        Some("above") => named_adapter(session, arguments.word(ADAPTER)?)?,
        Some(other) => return Err(Arguments::unknown(other, ABOVE)),
    };
    arguments.end()?;
    let added = session.system.filters.add(kind, &adapter);
    let name = added.map_err(|error| Failure::error("not added", error))?;
    let _ = writeln!(session.output, "added {name} above {}", adapter.name());
    Ok(())
}

fn remove(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let word = arguments.word(NAME)?;
    arguments.end()?;
    let filters = session.system.filters;
    let Some(filter) = find(filters, word) else {
        return Err(Arguments::unknown(word, NAME));
    };
    let removed = filters.remove(filter.name);
    removed.map_err(|error| Failure::error("not removed", error))?;
    let _ = writeln!(session.output, "removed {}", filter.name);
    Ok(())
}

/// The filter of that name, in any case.
pub(super) fn find(filters: &Filters, name: &str) -> Option<FilterReport> {
    filters
        .list()
        .find(|filter| filter.name.eq_ignore_ascii_case(name))
}

/// The filter of a kind that the next word names.
fn named(
    session: &Session,
    arguments: &mut Arguments<'_>,
    kind: FilterKind,
) -> Result<&'static str, CommandError> {
    let word = arguments.word(NAME)?;
    match find(session.system.filters, word) {
        Some(filter) if filter.kind == kind => Ok(filter.name),
        Some(filter) => Err(CommandError::invalid(format_args!(
            "{} is no {kind}",
            filter.name
        ))),
        None => Err(Arguments::unknown(word, NAME)),
    }
}

fn set(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let name = named(session, arguments, FilterKind::Netem)?;
    let words = arguments.rest()?;
    if words.is_empty() {
        return Err(CommandError::Missing(SETTINGS));
    }
    let set = session
        .system
        .filters
        .with_netem(name, |netem| netem.set(&words).map(|()| *netem.settings()));
    let settings = set
        .map_err(|error| Failure::error("not set", error))?
        .map_err(CommandError::invalid)?;
    let _ = writeln!(session.output, "{name} {settings}");
    Ok(())
}

fn rules(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let name = named(session, arguments, FilterKind::Firewall)?;
    match arguments.optional_word()? {
        None | Some("list") => {
            arguments.end()?;
            return list_rules(session, name);
        }
        Some("add") => {
            let rule = rule(arguments)?;
            change(session, name, |firewall| firewall.add(rule))?;
        }
        Some("insert") => {
            let position = arguments.number("POSITION", 1..=POSITIONS, None)?;
            let rule = rule(arguments)?;
            change(session, name, |firewall| {
                firewall.insert(position as usize, rule)
            })?;
        }
        Some("delete") => {
            let position = arguments.number("POSITION", 1..=POSITIONS, None)?;
            arguments.end()?;
            change(session, name, |firewall| {
                firewall.delete(position as usize).map(|_| ())
            })?;
        }
        Some("default") => {
            let action: Action = arguments.value(ACTION)?;
            arguments.end()?;
            change(session, name, |firewall| {
                firewall.set_default(action);
                Ok(())
            })?;
        }
        Some("clear") => {
            arguments.end()?;
            change(session, name, |firewall| {
                firewall.clear();
                Ok(())
            })?;
        }
        Some(other) => return Err(Arguments::unknown(other, RULE_FORMS)),
    }
    list_rules(session, name)
}

/// Places that rules can have.
const POSITIONS: u32 = filters::firewall::MAXIMUM_RULES as u32 + 1;

/// The rule that the rest of the line is.
fn rule(arguments: &mut Arguments<'_>) -> Result<Rule, CommandError> {
    let words = arguments.rest()?;
    if words.is_empty() {
        return Err(CommandError::Missing(RULE));
    }
    words.parse().map_err(CommandError::invalid)
}

/// Changes a firewall's rules.
fn change(
    session: &Session,
    name: &str,
    change: impl FnOnce(&mut filters::firewall::Firewall) -> Result<(), filters::firewall::TableError>,
) -> Outcome {
    let changed = session.system.filters.with_firewall(name, change);
    changed
        .map_err(|error| Failure::error("not changed", error))?
        .map_err(|error| Failure::error("not changed", error))
}

/// Each rule with what it was applied to, then the default.
fn list_rules(session: &mut Session, name: &str) -> Outcome {
    let failed = |error| Failure::error("not listed", error);
    let filters = session.system.filters;
    let _ = writeln!(
        session.output,
        "{:>3} {:>10} {:>12} RULE",
        "NO", "PACKETS", "BYTES"
    );
    for place in 0.. {
        let looked = filters.with_firewall(name, |firewall| {
            let (rule, hits) = firewall.rules().nth(place)?;
            Some((*rule, *hits))
        });
        let Some((rule, hits)) = looked.map_err(failed)? else {
            break;
        };
        let _ = writeln!(
            session.output,
            "{:>3} {:>10} {:>12} {rule}",
            place + 1,
            hits.packets,
            hits.bytes
        );
    }
    let looked = filters.with_firewall(name, |firewall| {
        (firewall.default_action(), firewall.default_hits())
    });
    let (action, hits) = looked.map_err(failed)?;
    let _ = writeln!(
        session.output,
        "{:>3} {:>10} {:>12} default {action}",
        '-', hits.packets, hits.bytes
    );
    Ok(())
}
