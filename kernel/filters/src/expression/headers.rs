//! What of a packet's headers filter words ask for.

use core::net::Ipv4Addr;

use ndis::{HardwareAddress, Packet};
use netstack::wire::ethernet::{self, EtherType};
use netstack::wire::ipv4::{self, protocol};
use netstack::wire::{arp, tcp};

/// Bytes of a packet in which these headers end.
const WINDOW: usize =
    ethernet::HEADER_LENGTH + ipv4::MAXIMUM_HEADER_LENGTH + tcp::field::SEQUENCE.start;

/// What two ends have: source and destination.
type Ends<T> = (T, T);

/// What of a packet's headers filter words ask for, read once. What is not there is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// Bytes of the whole frame.
    pub length: usize,
    /// Hardware addresses.
    pub hardware: Option<Ends<HardwareAddress>>,
    /// What the frame carries.
    pub ether_type: Option<EtherType>,
    /// Addresses of an IPv4 datagram, or of the two ends of an ARP message.
    pub addresses: Option<Ends<Ipv4Addr>>,
    /// The protocol of an IPv4 datagram.
    pub protocol: Option<u8>,
    /// Ports of a UDP datagram or TCP segment; the first fragment has them.
    pub ports: Option<Ends<u16>>,
}

impl Headers {
    /// The headers of a packet.
    pub fn of_packet(packet: &Packet) -> Self {
        let data = packet.data();
        if data.len() >= WINDOW || packet.is_contiguous() {
            return Self::of_bytes(data, packet.len());
        }
        let mut window = [0; WINDOW];
        let copied = packet.copy_to(0, &mut window);
        Self::of_bytes(window.get(..copied).unwrap_or_default(), packet.len())
    }

    /// The headers of a frame of `length` bytes, of which `bytes` are the first.
    pub fn of_bytes(bytes: &[u8], length: usize) -> Self {
        let mut headers = Self {
            length,
            ..Self::default()
        };
        let Some((header, payload)) = bytes.split_first_chunk::<{ ethernet::HEADER_LENGTH }>()
        else {
            return headers;
        };
        let address = |field| header.get(field).and_then(HardwareAddress::from_slice);
        headers.hardware =
            address(ethernet::field::SOURCE).zip(address(ethernet::field::DESTINATION));
        let Ok(frame) = ethernet::Packet::new_checked(header) else {
            // IEEE 802.3: no type.
            return headers;
        };
        headers.ether_type = Some(frame.ether_type());
        match frame.ether_type() {
            EtherType::ARP => headers.take_arp(payload),
            EtherType::IPV4 => headers.take_ip(payload),
            _ => {}
        }
        headers
    }

    fn take_arp(&mut self, bytes: &[u8]) {
        if let Ok(message) = arp::Packet::new_checked(bytes) {
            self.addresses = Some((message.sender_protocol(), message.target_protocol()));
        }
    }

    /// Checksum and lengths are the receiver's affair: a wrong datagram can be looked for too.
    fn take_ip(&mut self, bytes: &[u8]) {
        let Ok(datagram) = ipv4::Packet::new_quoted(bytes) else {
            return;
        };
        let header = ipv4::Repr::parse(&datagram);
        self.addresses = Some((header.source, header.destination));
        self.protocol = Some(header.protocol);
        let has_ports = matches!(header.protocol, protocol::UDP | protocol::TCP);
        if has_ports
            && header.fragment_offset == 0
            && let Some(&[a, b, c, d]) = datagram.payload().first_chunk()
        {
            self.ports = Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
        }
    }
}
