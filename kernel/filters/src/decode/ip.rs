//! IPv4, and what it carries.

use core::fmt;
use core::net::Ipv4Addr;

use netstack::wire::ipv4::{self, protocol};
use netstack::wire::{igmp, udp};

use super::{Summary, icmp, tcp};

/// The two ends of a datagram, with their ports.
struct Ends {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    ports: Option<(u16, u16)>,
}

impl fmt::Display for Ends {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            source,
            destination,
            ports,
        } = self;
        match ports {
            Some((from, to)) => write!(formatter, "{source}.{from} > {destination}.{to}:"),
            None => write!(formatter, "{source} > {destination}:"),
        }
    }
}

pub(super) fn write(formatter: &mut fmt::Formatter<'_>, datagram: Summary<'_>) -> fmt::Result {
    formatter.write_str("IP ")?;
    let what = match ipv4::Packet::new_checked(datagram.bytes, datagram.length) {
        Ok(packet) => return write_datagram(formatter, &packet),
        Err(ipv4::Error::TooShort) => return datagram.write_short(formatter, "ip"),
        Err(ipv4::Error::Version) => return formatter.write_str("malformed: not version 4"),
        // Options may have been cut off.
        Err(ipv4::Error::HeaderLength) if datagram.is_cut() => {
            return formatter.write_str("[|ip]");
        }
        Err(ipv4::Error::HeaderLength) => {
            return formatter.write_str("malformed: header length");
        }
        Err(ipv4::Error::Checksum) => "header checksum",
        Err(ipv4::Error::TotalLength) => "total length",
    };
    if let Ok(packet) = ipv4::Packet::new_quoted(datagram.bytes) {
        let ends = Ends {
            source: packet.source(),
            destination: packet.destination(),
            ports: None,
        };
        write!(formatter, "{ends} ")?;
    }
    write!(formatter, "malformed: {what}")
}

/// A whole header is there.
fn write_datagram(formatter: &mut fmt::Formatter<'_>, packet: &ipv4::Packet<'_>) -> fmt::Result {
    let header = ipv4::Repr::parse(packet);
    let payload = Summary::checked(packet.payload(), header.payload_length);
    let has_ports = matches!(header.protocol, protocol::UDP | protocol::TCP);
    let ports = match packet.payload().first_chunk() {
        Some(&[a, b, c, d]) if has_ports && header.fragment_offset == 0 => {
            Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
        }
        _ => None,
    };
    let ends = Ends {
        source: header.source,
        destination: header.destination,
        ports,
    };
    write!(formatter, "{ends} ")?;
    if header.fragment_offset == 0 {
        write_payload(formatter, &header, payload)?;
    } else {
        write_protocol(formatter, header.protocol)?;
    }
    if !header.is_fragment() {
        return Ok(());
    }
    let ipv4::Repr {
        identification,
        payload_length,
        fragment_offset,
        ..
    } = header;
    let more = if header.more_fragments { "+" } else { "" };
    write!(
        formatter,
        " (frag {identification}:{payload_length}@{fragment_offset}{more})"
    )
}

/// What a datagram, or the first fragment of one, carries.
fn write_payload(
    formatter: &mut fmt::Formatter<'_>,
    header: &ipv4::Repr,
    payload: Summary<'_>,
) -> fmt::Result {
    match header.protocol {
        protocol::UDP => write_udp(formatter, payload, header.more_fragments),
        protocol::TCP => tcp::write(formatter, payload),
        protocol::ICMP => icmp::write(formatter, payload),
        protocol::IGMP => write_igmp(formatter, payload),
        other => {
            write_protocol(formatter, other)?;
            write!(formatter, ", length {}", payload.length)
        }
    }
}

/// The name of a protocol.
pub(super) fn write_protocol(formatter: &mut fmt::Formatter<'_>, number: u8) -> fmt::Result {
    match number {
        protocol::ICMP => formatter.write_str("icmp"),
        protocol::IGMP => formatter.write_str("igmp"),
        protocol::TCP => formatter.write_str("tcp"),
        protocol::UDP => formatter.write_str("udp"),
        _ => write!(formatter, "ip-proto-{number}"),
    }
}

fn write_udp(
    formatter: &mut fmt::Formatter<'_>,
    payload: Summary<'_>,
    has_more: bool,
) -> fmt::Result {
    // The length counts the fragments that follow too.
    let available = if has_more {
        usize::from(u16::MAX)
    } else {
        payload.length
    };
    formatter.write_str("UDP, ")?;
    match udp::Packet::new_checked(payload.bytes, available) {
        Ok(datagram) => write!(
            formatter,
            "length {}",
            datagram.length() - udp::HEADER_LENGTH
        ),
        Err(udp::Error::TooShort) => payload.write_short(formatter, "udp"),
        Err(udp::Error::Length) => write!(
            formatter,
            "malformed: length field of {} bytes",
            payload.length
        ),
    }
}

fn write_igmp(formatter: &mut fmt::Formatter<'_>, payload: Summary<'_>) -> fmt::Result {
    use igmp::message_type;

    let Ok(message) = igmp::Packet::new_checked(payload.bytes) else {
        formatter.write_str("igmp ")?;
        return payload.write_short(formatter, "igmp");
    };
    let group = message.group();
    match message.message_type() {
        message_type::QUERY => {
            // RFC 9776 section 7.1.
            let version = match message.maximum_response_time() {
                _ if payload.length > igmp::HEADER_LENGTH => 3,
                0 => 1,
                _ => 2,
            };
            write!(formatter, "igmp query v{version}")?;
            if !group.is_unspecified() {
                write!(formatter, " {group}")?;
            }
            Ok(())
        }
        message_type::REPORT_1 => write!(formatter, "igmp v1 report {group}"),
        message_type::REPORT_2 => write!(formatter, "igmp v2 report {group}"),
        message_type::LEAVE => write!(formatter, "igmp leave {group}"),
        message_type::REPORT_3 => {
            let records = message.records();
            write!(formatter, "igmp v3 report, {records} group record(s)")
        }
        other => write!(formatter, "igmp-{other}, length {}", payload.length),
    }
}
