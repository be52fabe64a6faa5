//! TCP. Sequence numbers are absolute: no connection is followed.

use core::fmt;

use netstack::wire::tcp::options::{Option as TcpOption, Options};
use netstack::wire::tcp::{self, Flags};

use super::Summary;

/// The letters of the control bits, in the order in which they are written.
const LETTERS: [(Flags, &str); 8] = [
    (Flags::FIN, "F"),
    (Flags::SYN, "S"),
    (Flags::RST, "R"),
    (Flags::PSH, "P"),
    (Flags::ACK, "."),
    (Flags::URG, "U"),
    (Flags::ECE, "E"),
    (Flags::CWR, "W"),
];

pub(super) fn write(formatter: &mut fmt::Formatter<'_>, payload: Summary<'_>) -> fmt::Result {
    let segment = match tcp::Packet::new_checked(payload.bytes) {
        Ok(segment) => segment,
        Err(tcp::Error::DataOffset) if !payload.is_cut() => {
            return formatter.write_str("TCP, malformed: data offset");
        }
        Err(tcp::Error::DataOffset) => return formatter.write_str("TCP, [|tcp]"),
        Err(tcp::Error::TooShort) => {
            formatter.write_str("TCP, ")?;
            return payload.write_short(formatter, "tcp");
        }
    };
    let header = tcp::Repr::parse(&segment);
    let length = payload.length - segment.header_length();
    formatter.write_str("Flags [")?;
    if header.flags.is_empty() {
        formatter.write_str("none")?;
    }
    for (flag, letter) in LETTERS {
        if header.flags.contains(flag) {
            formatter.write_str(letter)?;
        }
    }
    formatter.write_str("]")?;
    let occupies = Flags::SYN | Flags::FIN | Flags::RST;
    let sequence = header.sequence;
    if length != 0 {
        let end = sequence.wrapping_add(length as u32);
        write!(formatter, ", seq {sequence}:{end}")?;
    } else if header.flags.intersects(occupies) {
        write!(formatter, ", seq {sequence}")?;
    }
    if header.flags.contains(Flags::ACK) {
        write!(formatter, ", ack {}", header.acknowledgment)?;
    }
    write!(formatter, ", win {}", header.window)?;
    if header.flags.contains(Flags::URG) {
        write!(formatter, ", urg {}", header.urgent)?;
    }
    if !segment.options().is_empty() {
        formatter.write_str(", options [")?;
        write_options(formatter, segment.options())?;
        formatter.write_str("]")?;
    }
    write!(formatter, ", length {length}")
}

fn write_options(formatter: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let mut separator = "";
    for option in Options::new(bytes) {
        formatter.write_str(separator)?;
        separator = ",";
        match option {
            Ok(TcpOption::End) => formatter.write_str("eol"),
            Ok(TcpOption::NoOperation) => formatter.write_str("nop"),
            Ok(TcpOption::MaximumSegmentSize(size)) => write!(formatter, "mss {size}"),
            Ok(TcpOption::WindowScale(shift)) => write!(formatter, "wscale {shift}"),
            Ok(TcpOption::SackPermitted) => formatter.write_str("sackOK"),
            Ok(TcpOption::Sack(blocks)) => write_blocks(formatter, blocks),
            Ok(TcpOption::Timestamps { value, echo }) => {
                write!(formatter, "TS val {value} ecr {echo}")
            }
            Ok(TcpOption::Other { kind, data }) => {
                write!(formatter, "unknown-{kind}")?;
                data.iter()
                    .try_for_each(|byte| write!(formatter, " {byte:02x}"))
            }
            Err(_) => formatter.write_str("malformed"),
        }?;
    }
    Ok(())
}

fn write_blocks(formatter: &mut fmt::Formatter<'_>, blocks: &[[u8; 8]]) -> fmt::Result {
    write!(formatter, "sack {} ", blocks.len())?;
    for &[a, b, c, d, block_end @ ..] in blocks {
        let start = u32::from_be_bytes([a, b, c, d]);
        let end = u32::from_be_bytes(block_end);
        write!(formatter, "{{{start}:{end}}}")?;
    }
    Ok(())
}
