//! What a frame says, in one line, read by smoltcp.

use std::format;
use std::string::{String, ToString};

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire as peer;

/// What a frame says, read by smoltcp, every checksum verified.
pub(crate) fn describe(frame: &[u8]) -> String {
    let frame = peer::EthernetFrame::new_checked(frame).expect("a frame");
    let to = frame.dst_addr();
    match frame.ethertype() {
        peer::EthernetProtocol::Arp => format!("{to} {}", describe_arp(frame.payload())),
        peer::EthernetProtocol::Ipv4 => format!("{to} {}", describe_ip(frame.payload())),
        other => format!("{to} {other}"),
    }
}

fn describe_arp(bytes: &[u8]) -> String {
    let packet = peer::ArpPacket::new_checked(bytes).expect("an ARP message");
    let peer::ArpRepr::EthernetIpv4 {
        operation,
        source_hardware_addr: from,
        source_protocol_addr: sender,
        target_hardware_addr: asked,
        target_protocol_addr: target,
    } = peer::ArpRepr::parse(&packet).expect("an ARP message")
    else {
        return "arp of another kind".to_string();
    };
    match operation {
        peer::ArpOperation::Request => format!("arp who-has {target} tell {sender} at {from}"),
        peer::ArpOperation::Reply => format!("arp {sender} is-at {from} for {target} at {asked}"),
        peer::ArpOperation::Unknown(_) => "arp of another kind".to_string(),
    }
}

fn describe_ip(bytes: &[u8]) -> String {
    let checksums = ChecksumCapabilities::default();
    let packet = peer::Ipv4Packet::new_checked(bytes).expect("a datagram");
    let header = peer::Ipv4Repr::parse(&packet, &checksums).expect("a datagram");
    let (from, to) = (header.src_addr, header.dst_addr);
    match header.next_header {
        peer::IpProtocol::Udp => {
            let packet = peer::UdpPacket::new_checked(packet.payload()).expect("UDP");
            let header =
                peer::UdpRepr::parse(&packet, &from.into(), &to.into(), &checksums).expect("UDP");
            assert_ne!(packet.checksum(), 0, "a checksum was computed");
            let payload = String::from_utf8_lossy(packet.payload());
            let (source, destination) = (header.src_port, header.dst_port);
            format!("udp {from}:{source} > {to}:{destination} {payload:?}")
        }
        peer::IpProtocol::Icmp => {
            let packet = peer::Icmpv4Packet::new_checked(packet.payload()).expect("ICMP");
            let message = peer::Icmpv4Repr::parse(&packet, &checksums).expect("ICMP");
            format!("icmp {from} > {to} {}", describe_icmp(&message))
        }
        other => format!("{other} {from} > {to} {} bytes", packet.payload().len()),
    }
}

fn describe_icmp(message: &peer::Icmpv4Repr<'_>) -> String {
    match message {
        peer::Icmpv4Repr::EchoRequest {
            ident,
            seq_no,
            data,
        } => format!("echo request {ident}/{seq_no} {} bytes", data.len()),
        peer::Icmpv4Repr::EchoReply {
            ident,
            seq_no,
            data,
        } => format!(
            "echo reply {ident}/{seq_no} {}",
            String::from_utf8_lossy(data)
        ),
        peer::Icmpv4Repr::DstUnreachable {
            reason,
            header,
            data,
        } => format!(
            "{reason} about {} > {} {} with {} bytes",
            header.src_addr,
            header.dst_addr,
            header.next_header,
            data.len()
        ),
        other => format!("{other}"),
    }
}
