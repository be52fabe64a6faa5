//! ICMP.

use core::fmt;

use netstack::wire::icmpv4::{self, message_type, unreachable};
use netstack::wire::ipv4::{self, protocol};

use super::{Summary, ip};

pub(super) fn write(formatter: &mut fmt::Formatter<'_>, payload: Summary<'_>) -> fmt::Result {
    formatter.write_str("ICMP ")?;
    let Ok(message) = icmpv4::Packet::new_checked(payload.bytes) else {
        return payload.write_short(formatter, "icmp");
    };
    let quoted = ipv4::Packet::new_quoted(message.payload()).ok();
    match (message.message_type(), quoted) {
        (message_type::ECHO_REQUEST, _) => write_echo(formatter, "request", &message),
        (message_type::ECHO_REPLY, _) => write_echo(formatter, "reply", &message),
        (message_type::DESTINATION_UNREACHABLE, Some(quoted)) => {
            write_unreachable(formatter, message.code(), &quoted)
        }
        (message_type::DESTINATION_UNREACHABLE, None) => {
            write!(formatter, "unreachable, code {}", message.code())
        }
        (message_type::TIME_EXCEEDED, _) => formatter.write_str(match message.code() {
            0 => "time exceeded in-transit",
            1 => "ip reassembly time exceeded",
            _ => "time exceeded",
        }),
        (message_type::REDIRECT, Some(quoted)) => {
            write!(formatter, "redirect {}", quoted.destination())
        }
        (message_type::REDIRECT, None) => formatter.write_str("redirect"),
        (message_type::SOURCE_QUENCH, _) => formatter.write_str("source quench"),
        (message_type::PARAMETER_PROBLEM, _) => formatter.write_str("parameter problem"),
        (other, _) => write!(formatter, "type-#{other}, code {}", message.code()),
    }?;
    write!(formatter, ", length {}", payload.length)
}

fn write_echo(
    formatter: &mut fmt::Formatter<'_>,
    what: &str,
    message: &icmpv4::Packet<'_>,
) -> fmt::Result {
    let (identifier, sequence) = (message.identifier(), message.sequence());
    write!(formatter, "echo {what}, id {identifier}, seq {sequence}")
}

/// What of the quoted datagram's destination cannot be reached.
fn write_unreachable(
    formatter: &mut fmt::Formatter<'_>,
    code: u8,
    quoted: &ipv4::Packet<'_>,
) -> fmt::Result {
    let destination = quoted.destination();
    match code {
        unreachable::NETWORK => write!(formatter, "net {destination} unreachable"),
        unreachable::HOST => write!(formatter, "host {destination} unreachable"),
        unreachable::PROTOCOL => {
            write!(
                formatter,
                "{destination} protocol {} unreachable",
                quoted.protocol()
            )
        }
        unreachable::PORT => {
            write!(formatter, "{destination} ")?;
            ip::write_protocol(formatter, quoted.protocol())?;
            let has_ports = matches!(quoted.protocol(), protocol::UDP | protocol::TCP);
            if let Some(&[_, _, high, low]) = quoted.payload().first_chunk()
                && has_ports
            {
                write!(formatter, " port {}", u16::from_be_bytes([high, low]))?;
            }
            formatter.write_str(" unreachable")
        }
        unreachable::FRAGMENTATION_NEEDED => {
            write!(formatter, "{destination} unreachable - need to frag")
        }
        unreachable::NETWORK_PROHIBITED..=13 => {
            write!(
                formatter,
                "{destination} unreachable - admin prohibited, code {code}"
            )
        }
        _ => write!(formatter, "{destination} unreachable, code {code}"),
    }
}
