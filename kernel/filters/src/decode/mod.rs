//! One line for a packet, tcpdump's way.
//!
//! Any bytes give a line. What contradicts itself is said to be `malformed` and how; what was cut
//! off when it was captured is shown as tcpdump does, `[|udp]`. Checksums of payloads are not
//! looked at, since the bytes need not all be there.

mod icmp;
mod ip;
mod tcp;

#[cfg(test)]
mod tests;

use core::fmt;

use ndis::HardwareAddress;
use netstack::wire::arp::{self, Operation};
use netstack::wire::ethernet::{self, EtherType};

/// A frame of `length` bytes, of which `bytes` are the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary<'a> {
    /// The bytes captured, from the Ethernet header on.
    pub bytes: &'a [u8],
    /// Bytes of the whole frame.
    pub length: usize,
}

impl<'a> Summary<'a> {
    /// A summary; `length` counts as no less than there are bytes.
    fn checked(bytes: &'a [u8], length: usize) -> Self {
        Self {
            bytes,
            length: length.max(bytes.len()),
        }
    }

    /// Whether bytes at the end were cut off when it was captured.
    const fn is_cut(&self) -> bool {
        self.bytes.len() < self.length
    }

    /// Says that a header is not whole: cut off, or too short to be one.
    fn write_short(&self, formatter: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        if self.is_cut() {
            write!(formatter, "[|{name}]")
        } else {
            write!(
                formatter,
                "malformed: {} bytes are no {name} header",
                self.length
            )
        }
    }
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frame = Summary::checked(self.bytes, self.length);
        let Some((header, payload)) = frame
            .bytes
            .split_first_chunk::<{ ethernet::HEADER_LENGTH }>()
        else {
            return frame.write_short(formatter, "ether");
        };
        let payload = Summary::checked(payload, frame.length - ethernet::HEADER_LENGTH);
        match ethernet::Packet::new_checked(header) {
            Ok(header) => match header.ether_type() {
                EtherType::ARP => write_arp(formatter, payload),
                EtherType::IPV4 => ip::write(formatter, payload),
                EtherType(number) => {
                    let (source, destination) = (header.source(), header.destination());
                    let name = ether_type_name(number);
                    write!(
                        formatter,
                        "{source} > {destination}, ethertype {name} ({number:#06x}), length {}",
                        frame.length
                    )
                }
            },
            Err(_) => write_802_3(formatter, header, frame.length),
        }
    }
}

const fn ether_type_name(number: u16) -> &'static str {
    match number {
        0x8035 => "Reverse ARP",
        0x8100 => "802.1Q",
        0x86DD => "IPv6",
        0x8863 => "PPPoE D",
        0x8864 => "PPPoE S",
        0x88CC => "LLDP",
        0x9000 => "Loopback",
        _ => "Unknown",
    }
}

fn write_802_3(formatter: &mut fmt::Formatter<'_>, header: &[u8], length: usize) -> fmt::Result {
    let address = |field| header.get(field).and_then(HardwareAddress::from_slice);
    let source = address(ethernet::field::SOURCE).unwrap_or_default();
    let destination = address(ethernet::field::DESTINATION).unwrap_or_default();
    write!(
        formatter,
        "{source} > {destination}, 802.3, length {length}"
    )
}

fn write_arp(formatter: &mut fmt::Formatter<'_>, payload: Summary<'_>) -> fmt::Result {
    formatter.write_str("ARP, ")?;
    let message = match arp::Packet::new_checked(payload.bytes) {
        Ok(message) => message,
        Err(arp::Error::TooShort) => return payload.write_short(formatter, "arp"),
        Err(error) => {
            let what = match error {
                arp::Error::HardwareType => "not for Ethernet",
                arp::Error::ProtocolType => "not for IPv4",
                arp::Error::Operation | arp::Error::TooShort => "neither request nor reply",
            };
            return write!(formatter, "{what}, length {}", payload.length);
        }
    };
    let arp::Repr {
        operation,
        sender_hardware,
        sender_protocol: sender,
        target_hardware,
        target_protocol: target,
    } = arp::Repr::parse(&message);
    match operation {
        // RFC 5227 sections 1.1 and 3.
        Operation::Request if sender.is_unspecified() => write!(formatter, "Probe {target}"),
        Operation::Request if sender == target => write!(formatter, "Announcement {target}"),
        Operation::Request => {
            write!(formatter, "Request who-has {target}")?;
            if target_hardware != HardwareAddress::default() {
                write!(formatter, " ({target_hardware})")?;
            }
            write!(formatter, " tell {sender}")
        }
        Operation::Reply => write!(formatter, "Reply {sender} is-at {sender_hardware}"),
    }?;
    write!(formatter, ", length {}", payload.length)
}
