//! Captured packets: storing, showing, dumping, watching.

use core::fmt::Write;

use executive::Duration;
use filters::capture::{Capture, Dump, Resolution};
use filters::expression::Expression;
use filters::{FilterError, FilterKind};

use super::super::base64::Base64Lines;
use super::super::{Failure, Output};
use super::filter::find;
use super::nic::first_adapter;
use super::{Arguments, CommandError, Outcome, Session};

const FORMS: &str = "start, stop, clear, filter, show, dump or live";
/// The other place a dump can go.
const SECOND_PORT: &str = "com2";
/// The name in the frame of a dump.
const FILE_NAME: &str = "capture.pcap";
/// Packets that `show` shows unless told otherwise.
const SHOWN: u32 = 20;
/// How long a live view waits for keys before it looks for packets.
const GLANCE: Duration = Duration::from_millis(20);
/// Packets printed between two looks for keys.
const ATTENTION: u32 = 16;
/// Longest line about a packet.
const LINE: usize = 256;
/// Bytes of a piece of a dump: a frame of any length with its header.
const PIECE: usize = 2048;

pub(super) fn capture(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let Some(word) = arguments.optional_word()? else {
        list(session);
        return Ok(());
    };
    let named = find(session.system.filters, word);
    let named = named.filter(|filter| filter.kind == FilterKind::Capture);
    let form = match named {
        Some(_) => arguments.word(FORMS)?,
        None => word,
    };
    let name = match named {
        Some(filter) => filter.name,
        None => usual(session)?,
    };
    match form {
        "start" => start(session, arguments, name),
        "stop" => {
            arguments.end()?;
            with(session, name, Capture::stop)?;
            let _ = writeln!(session.output, "{name} stopped");
            Ok(())
        }
        "clear" => {
            arguments.end()?;
            with(session, name, Capture::clear)?;
            let _ = writeln!(session.output, "{name} cleared");
            Ok(())
        }
        "filter" => set_filter(session, arguments, name),
        "show" => show(session, arguments, name),
        "dump" => dump(session, arguments, name),
        "live" => live(session, arguments, name),
        other => Err(Arguments::unknown(other, FORMS)),
    }
}

/// The capture that is meant without a name: the first that is in use, else the first.
fn usual(session: &Session) -> Result<&'static str, CommandError> {
    let captures = || {
        let filters = session.system.filters.list();
        filters.filter(|filter| filter.kind == FilterKind::Capture)
    };
    let usual = captures()
        .find(|filter| filter.below.is_some())
        .or_else(|| captures().next());
    usual
        .map(|filter| filter.name)
        .ok_or_else(|| Failure::error("no capture", "the configuration has none"))
}

fn failed(error: FilterError) -> CommandError {
    Failure::error("capture", error)
}

/// Looks at a capture, or changes it, for a short time.
fn with<R>(
    session: &Session,
    name: &str,
    look: impl FnOnce(&mut Capture) -> R,
) -> Result<R, CommandError> {
    let looked = session.system.filters.with_capture(name, look);
    looked.map_err(failed)
}

fn list(session: &mut Session) {
    let filters = session.system.filters;
    let _ = writeln!(
        session.output,
        "{:<12} {:<12} {:<5} {:>8} {:>8} {:>8} {:>11} FILTER",
        "NAME", "ABOVE", "STATE", "PACKETS", "BYTES", "SIZE", "OVERWRITTEN"
    );
    for filter in filters.list() {
        let looked = filters.with_capture(filter.name, |capture| {
            (capture.state(), capture.filter().clone())
        });
        let Ok((state, expression)) = looked else {
            continue;
        };
        let _ = write!(
            session.output,
            "{:<12} {:<12} {:<5} {:>8} {:>8} {:>8} {:>11} ",
            filter.name,
            filter.below.unwrap_or("-"),
            if state.is_running { "on" } else { "off" },
            state.packets,
            state.bytes,
            state.size,
            state.counters.overwritten
        );
        print_expression(session, &expression);
    }
}

/// Ends a line with a filter's words.
fn print_expression(session: &mut Session, expression: &Expression) {
    let _ = if expression.is_all() {
        writeln!(session.output, "none")
    } else {
        writeln!(session.output, "{expression}")
    };
}

/// A capture that stands nowhere is put on top of the first card.
fn put_to_use(session: &mut Session, name: &'static str) -> Result<&'static str, CommandError> {
    let filters = session.system.filters;
    if find(filters, name).is_some_and(|filter| filter.below.is_some()) {
        return Ok(name);
    }
    let adapter = first_adapter(session)?.top();
    let added = filters.add(FilterKind::Capture, &adapter);
    let name = added.map_err(|error| Failure::error("not added", error))?;
    let _ = writeln!(session.output, "added {name} above {}", adapter.name());
    Ok(name)
}

fn start(session: &mut Session, arguments: &mut Arguments<'_>, name: &'static str) -> Outcome {
    arguments.end()?;
    let name = put_to_use(session, name)?;
    with(session, name, Capture::start)?;
    let _ = writeln!(session.output, "{name} started");
    Ok(())
}

/// The filter that the rest of the line is; `none` is one for every packet.
fn expression(arguments: &mut Arguments<'_>) -> Result<Expression, CommandError> {
    let words = arguments.rest()?;
    if words.eq_ignore_ascii_case("none") {
        return Ok(Expression::all());
    }
    Expression::parse(&words).map_err(CommandError::invalid)
}

fn set_filter(session: &mut Session, arguments: &mut Arguments<'_>, name: &str) -> Outcome {
    let expression = expression(arguments)?;
    with(session, name, |capture| capture.set_filter(expression))?;
    let expression = with(session, name, |capture| capture.filter().clone())?;
    let _ = write!(session.output, "{name} filter ");
    print_expression(session, &expression);
    Ok(())
}

/// The newest packets, the oldest of them first. Those that are overwritten meanwhile are
/// left out.
fn show(session: &mut Session, arguments: &mut Arguments<'_>, name: &str) -> Outcome {
    let most = arguments.number("COUNT", 1..=1_000_000, Some(SHOWN))?;
    arguments.end()?;
    let state = with(session, name, |capture| capture.state())?;
    let first = state.packets.saturating_sub(most as usize);
    for place in first..state.packets {
        let line = with(session, name, |capture| {
            let overwritten = capture.state().counters.overwritten;
            let gone = overwritten.wrapping_sub(state.counters.overwritten);
            let place = place.checked_sub(usize::try_from(gone).ok()?)?;
            let packet = capture.packets().nth(place)?;
            let mut line = heapless::String::<LINE>::new();
            // A longer line is cut.
            let _ = write!(line, "{packet}");
            Some(line)
        })?;
        if let Some(line) = line {
            let _ = writeln!(session.output, "{line}");
        }
        if (place as u32).is_multiple_of(ATTENTION) && session.is_interrupted() {
            break;
        }
    }
    let _ = writeln!(session.output, "{} packets stored", state.packets);
    Ok(())
}

fn dump(session: &mut Session, arguments: &mut Arguments<'_>, name: &str) -> Outcome {
    let target = arguments.optional_word()?;
    arguments.end()?;
    match target {
        None => dump_text(session, name),
        Some(word) if word.eq_ignore_ascii_case(SECOND_PORT) => dump_raw(session, name),
        Some(other) => Err(Arguments::unknown(other, "`com2` or nothing")),
    }
}

/// Begins a file with what is stored now.
fn begin_dump(session: &Session, name: &str) -> Result<Dump, CommandError> {
    let epoch = session.system.epoch;
    with(session, name, |capture| {
        Dump::new(capture, Resolution::Microseconds, epoch)
    })
}

/// The file as text between the output of other commands.
fn dump_text(session: &mut Session, name: &str) -> Outcome {
    let mut dump = begin_dump(session, name)?;
    let mut output = Output::new(session.system.machine);
    // The console never fails.
    let Ok(mut lines) = Base64Lines::begin(&mut output, FILE_NAME) else {
        return Ok(());
    };
    let mut piece = [0; PIECE];
    let mut is_whole = true;
    loop {
        let length = with(session, name, |capture| dump.read(capture, &mut piece))?;
        if length == 0 {
            break;
        }
        let _ = lines.write(piece.get(..length).unwrap_or_default());
        if session.is_interrupted() {
            is_whole = false;
            break;
        }
    }
    let _ = lines.end();
    report(session, &dump, is_whole, "")
}

/// The file as it is, to the second serial port.
fn dump_raw(session: &mut Session, name: &str) -> Outcome {
    let machine = session.system.machine;
    if !machine.has_second_port() {
        return Err(Failure::error("not dumped", "there is no COM2"));
    }
    let mut dump = begin_dump(session, name)?;
    let mut piece = [0; PIECE];
    let mut is_whole = true;
    loop {
        let length = with(session, name, |capture| dump.read(capture, &mut piece))?;
        let bytes = piece.get(..length).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        if machine.write_second_port(bytes) < bytes.len() {
            return Err(Failure::error("not dumped", "nobody takes what COM2 sends"));
        }
        if session.is_interrupted() {
            is_whole = false;
            break;
        }
    }
    report(session, &dump, is_whole, " to COM2")
}

fn report(session: &mut Session, dump: &Dump, is_whole: bool, target: &str) -> Outcome {
    let _ = writeln!(
        session.output,
        "dumped {} packets, {} bytes{target}, {} overwritten meanwhile",
        dump.packets(),
        dump.bytes(),
        dump.lost()
    );
    if is_whole {
        Ok(())
    } else {
        Err(Failure::error("dump", "interrupted"))
    }
}

/// A line for each packet until Ctrl-C or `q`.
fn live(session: &mut Session, arguments: &mut Arguments<'_>, name: &'static str) -> Outcome {
    let expression = expression(arguments)?;
    let name = put_to_use(session, name)?;
    let dropped = with(session, name, |capture| {
        capture.start_live(expression);
        capture.state().counters.live_dropped
    })?;
    let _ = writeln!(session.output, "live; Ctrl-C or q ends it");
    let watched = watch(session, name);
    let state = with(session, name, |capture| {
        capture.stop_live();
        capture.state()
    })?;
    let _ = writeln!(
        session.output,
        "{} packets, {} dropped",
        watched?,
        state.counters.live_dropped.wrapping_sub(dropped)
    );
    Ok(())
}

/// Prints packets until a key ends it; says how many.
fn watch(session: &mut Session, name: &str) -> Result<u64, CommandError> {
    let mut count = 0;
    loop {
        let mut wait = GLANCE;
        for _ in 0..ATTENTION {
            let Some(packet) = with(session, name, Capture::next_live)? else {
                break;
            };
            let _ = writeln!(session.output, "{packet}");
            count += 1;
            wait = Duration::ZERO;
        }
        if session.is_ended_within(wait) {
            return Ok(count);
        }
    }
}
