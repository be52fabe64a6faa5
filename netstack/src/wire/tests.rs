//! The headers against two other implementations, in both directions.

use core::net::Ipv4Addr;
use std::vec::Vec;

use etherparse::{Ipv4HeaderSlice, LinkSlice, NetSlice, SlicedPacket, TransportSlice};
use proptest::prelude::*;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire as peer;

use super::ethernet::HardwareAddress;
use super::{arp, ethernet, icmpv4, igmp, ipv4, tcp, udp};
use crate::checksum::PayloadChecksum;

fn hardware() -> impl Strategy<Value = HardwareAddress> {
    any::<[u8; 6]>().prop_map(HardwareAddress)
}

fn address() -> impl Strategy<Value = Ipv4Addr> {
    any::<[u8; 4]>().prop_map(Ipv4Addr::from)
}

prop_compose! {
    fn ip_header()(
        (type_of_service, identification) in any::<(u8, u16)>(),
        (dont_fragment, more_fragments) in any::<(bool, bool)>(),
        fragment_offset in (0..0x2000_usize).prop_map(|units| units * 8),
        (time_to_live, protocol) in any::<(u8, u8)>(),
        (source, destination) in (address(), address()),
    ) -> ipv4::Repr {
        ipv4::Repr {
            type_of_service,
            identification,
            dont_fragment,
            more_fragments,
            fragment_offset,
            time_to_live,
            protocol,
            source,
            destination,
            payload_length: 0,
        }
    }
}

proptest! {
    #[test]
    fn ethernet_agrees_with_etherparse(
        (destination, source) in (hardware(), hardware()),
        ether_type in 0x0600_u16..,
        payload in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let header = ethernet::Repr {
            destination,
            source,
            ether_type: ethernet::EtherType(ether_type),
        };
        let mut frame = [0; ethernet::HEADER_LENGTH];
        header.emit(&mut frame);
        let frame = [&frame, payload.as_slice()].concat();
        let (theirs, rest) = etherparse::Ethernet2Header::from_slice(&frame).expect("a frame");
        prop_assert_eq!(theirs.source, source.0);
        prop_assert_eq!(theirs.destination, destination.0);
        prop_assert_eq!(theirs.ether_type.0, ether_type);
        let ours = ethernet::Packet::new_checked(&frame).expect("a frame");
        prop_assert_eq!(ethernet::Repr::parse(&ours), header);
        prop_assert_eq!(ours.payload(), rest);
    }

    #[test]
    fn arp_agrees_with_smoltcp(
        (sender_hardware, target_hardware) in (hardware(), hardware()),
        (sender_protocol, target_protocol) in (address(), address()),
        request in any::<bool>(),
    ) {
        let (operation, theirs) = if request {
            (arp::Operation::Request, peer::ArpOperation::Request)
        } else {
            (arp::Operation::Reply, peer::ArpOperation::Reply)
        };
        let message = arp::Repr {
            operation,
            sender_hardware,
            sender_protocol,
            target_hardware,
            target_protocol,
        };
        let mut bytes = [0xEE; arp::LENGTH];
        message.emit(&mut bytes);
        let packet = peer::ArpPacket::new_checked(&bytes[..]).expect("a message");
        prop_assert_eq!(
            peer::ArpRepr::parse(&packet).expect("a message"),
            peer::ArpRepr::EthernetIpv4 {
                operation: theirs,
                source_hardware_addr: peer::EthernetAddress(sender_hardware.0),
                source_protocol_addr: sender_protocol,
                target_hardware_addr: peer::EthernetAddress(target_hardware.0),
                target_protocol_addr: target_protocol,
            }
        );
        let packet = arp::Packet::new_checked(&bytes).expect("a message");
        prop_assert_eq!(arp::Repr::parse(&packet), message);
    }

    #[test]
    fn ipv4_agrees_with_etherparse(
        header in ip_header(),
        payload in prop::collection::vec(any::<u8>(), 0..50),
        padding in 0_usize..20,
    ) {
        let header = ipv4::Repr { payload_length: payload.len(), ..header };
        let mut bytes = [0xEE; ipv4::HEADER_LENGTH];
        header.emit(&mut bytes);
        let mut datagram = [&bytes, payload.as_slice()].concat();
        datagram.resize(datagram.len() + padding, 0xAA);
        let theirs = Ipv4HeaderSlice::from_slice(&datagram).expect("a header").to_header();
        prop_assert_eq!(theirs.header_checksum, theirs.calc_header_checksum());
        prop_assert_eq!(usize::from(theirs.total_len), 20 + payload.len());
        prop_assert_eq!(theirs.identification, header.identification);
        prop_assert_eq!(theirs.dont_fragment, header.dont_fragment);
        prop_assert_eq!(theirs.more_fragments, header.more_fragments);
        prop_assert_eq!(usize::from(theirs.fragment_offset.value()) * 8, header.fragment_offset);
        prop_assert_eq!(theirs.time_to_live, header.time_to_live);
        prop_assert_eq!(theirs.protocol.0, header.protocol);
        prop_assert_eq!(theirs.source, header.source.octets());
        prop_assert_eq!(theirs.destination, header.destination.octets());
        let ours = ipv4::Packet::new_checked(&datagram, datagram.len()).expect("a datagram");
        prop_assert_eq!(ipv4::Repr::parse(&ours), header);
        prop_assert_eq!(ours.payload(), payload.as_slice());
        prop_assert_eq!(ours.payload_length(), payload.len());
        prop_assert_eq!(ours.is_fragment(), header.is_fragment());
    }

    #[test]
    fn udp_agrees_with_smoltcp(
        (source, destination) in (address(), address()),
        (source_port, destination_port) in (any::<u16>(), 1_u16..),
        payload in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let mut sum = PayloadChecksum::new();
        sum.add_bytes(&payload);
        let ports = udp::Repr { source_port, destination_port };
        let mut header = [0xEE; udp::HEADER_LENGTH];
        ports.emit(&mut header, source, destination, sum);
        let bytes = [&header, payload.as_slice()].concat();
        let packet = peer::UdpPacket::new_checked(&bytes[..]).expect("a datagram");
        let checksums = ChecksumCapabilities::default();
        let theirs = peer::UdpRepr::parse(&packet, &source.into(), &destination.into(), &checksums);
        let theirs = theirs.expect("a datagram");
        prop_assert_eq!((theirs.src_port, theirs.dst_port), (source_port, destination_port));
        prop_assert_eq!(packet.payload(), payload.as_slice());
        prop_assert_ne!(packet.checksum(), 0);
        let ours = udp::Packet::new_checked(&bytes, bytes.len()).expect("a datagram");
        prop_assert_eq!(udp::Repr::parse(&ours), ports);
        prop_assert_eq!(ours.length(), bytes.len());
    }

    #[test]
    fn tcp_agrees_with_etherparse(
        (source, destination) in (address(), address()),
        (source_port, destination_port) in any::<(u16, u16)>(),
        (sequence, acknowledgment) in any::<(u32, u32)>(),
        (flags, window, urgent) in any::<(u8, u16, u16)>(),
        payload in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let flags = tcp::Flags::from_bits_retain(flags);
        let header = tcp::Repr {
            source_port,
            destination_port,
            sequence,
            acknowledgment,
            flags,
            window,
            urgent,
        };
        let mut sum = PayloadChecksum::new();
        sum.add_bytes(&payload);
        let mut bytes = [0xEE; tcp::HEADER_LENGTH];
        header.emit(&mut bytes, source, destination, sum);
        let segment = [&bytes, payload.as_slice()].concat();
        let (theirs, rest) = etherparse::TcpHeader::from_slice(&segment).expect("a segment");
        let checksum =
            theirs.calc_checksum_ipv4_raw(source.octets(), destination.octets(), &payload);
        prop_assert_eq!(Ok(theirs.checksum), checksum);
        prop_assert_eq!((theirs.source_port, theirs.destination_port), (source_port, destination_port));
        prop_assert_eq!(theirs.sequence_number, sequence);
        prop_assert_eq!(theirs.acknowledgment_number, acknowledgment);
        prop_assert_eq!((theirs.window_size, theirs.urgent_pointer), (window, urgent));
        let theirs_set = [
            theirs.fin, theirs.syn, theirs.rst, theirs.psh, theirs.ack, theirs.urg, theirs.ece, theirs.cwr,
        ];
        let ours_set = core::array::from_fn(|bit| flags.bits() & 1 << bit != 0);
        prop_assert_eq!(theirs_set, ours_set);
        let ours = tcp::Packet::new_checked(&segment).expect("a segment");
        prop_assert_eq!(tcp::Repr::parse(&ours), header);
        prop_assert_eq!((ours.payload(), ours.checksum()), (rest, theirs.checksum));
    }

    #[test]
    fn tcp_options_agree_with_etherparse(
        maximum in any::<u16>(),
        shift in any::<u8>(),
        (value, echo) in any::<(u32, u32)>(),
        block in any::<(u32, u32)>(),
        payload in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        use etherparse::TcpOptionElement as Theirs;
        use tcp::options::{Option as Ours, Options};
        let mut header = etherparse::TcpHeader::new(1, 2, 3, 4);
        header
            .set_options(&[
                Theirs::MaximumSegmentSize(maximum),
                Theirs::SelectiveAcknowledgementPermitted,
                Theirs::Timestamp(value, echo),
                Theirs::Noop,
                Theirs::WindowScale(shift),
                Theirs::SelectiveAcknowledgement(block, [None; 3]),
            ])
            .expect("they fit");
        let segment = [&header.to_bytes()[..], &payload].concat();
        let ours = tcp::Packet::new_checked(&segment).expect("a segment");
        let edges = [[block.0.to_be_bytes(), block.1.to_be_bytes()].concat().try_into().expect("8")];
        let expected = [
            Ours::MaximumSegmentSize(maximum),
            Ours::SackPermitted,
            Ours::Timestamps { value, echo },
            Ours::NoOperation,
            Ours::WindowScale(shift),
            Ours::Sack(&edges),
        ];
        let parsed: Result<Vec<_>, _> = Options::new(ours.options()).collect();
        let parsed = parsed.expect("they are well formed");
        prop_assert_eq!(&parsed[..6], &expected);
        prop_assert!(parsed[6..].iter().all(|option| *option == Ours::End));
        prop_assert_eq!(ours.payload(), payload.as_slice());
    }

    #[test]
    fn icmp_echo_agrees_with_etherparse(
        (identifier, sequence) in any::<(u16, u16)>(),
        payload in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let mut header = [0xEE; icmpv4::HEADER_LENGTH];
        let request = icmpv4::message_type::ECHO_REQUEST;
        icmpv4::emit_echo(&mut header, request, identifier, sequence, &payload);
        let echo = etherparse::IcmpEchoHeader { id: identifier, seq: sequence };
        let theirs = etherparse::Icmpv4Header::with_checksum(
            etherparse::Icmpv4Type::EchoRequest(echo),
            &payload,
        );
        prop_assert_eq!(&header[..], &theirs.to_bytes()[..]);
        icmpv4::turn_into_reply(&mut header);
        let theirs = etherparse::Icmpv4Header::with_checksum(
            etherparse::Icmpv4Type::EchoReply(echo),
            &payload,
        );
        prop_assert_eq!(&header[..], &theirs.to_bytes()[..]);
    }

    #[test]
    fn parsing_any_bytes_gives_a_value_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..100),
        available in 0_usize..100,
    ) {
        if let Ok(packet) = ethernet::Packet::new_checked(&bytes) {
            ethernet::Repr::parse(&packet);
        }
        if let Ok(packet) = arp::Packet::new_checked(&bytes) {
            arp::Repr::parse(&packet);
        }
        let checked = ipv4::Packet::new_checked(&bytes, available);
        for packet in [checked, ipv4::Packet::new_quoted(&bytes)].into_iter().flatten() {
            ipv4::Repr::parse(&packet);
            prop_assert!(packet.total_length() <= available.max(bytes.len()));
        }
        if let Ok(packet) = udp::Packet::new_checked(&bytes, available) {
            prop_assert!(packet.length() <= available);
        }
        if let Ok(packet) = icmpv4::Packet::new_checked(&bytes) {
            icmpv4::Repr::parse(&packet);
        }
        let options = ipv4::options::Options::new(&bytes);
        prop_assert!(options.count() <= bytes.len());
        if let Ok(packet) = tcp::Packet::new_checked(&bytes) {
            tcp::Repr::parse(&packet);
            prop_assert!(packet.header_length() + packet.payload().len() == bytes.len());
        }
        let options = tcp::options::Options::new(&bytes);
        prop_assert!(options.count() <= bytes.len());
        if let Ok(packet) = igmp::Packet::new_checked(&bytes) {
            prop_assert_eq!(&packet.group().octets()[2..], packet.records().to_be_bytes());
            prop_assert_eq!(packet.payload().len() + igmp::HEADER_LENGTH, bytes.len());
        }
    }

    /// Whatever both take for a UDP datagram in an Ethernet frame, they read
    /// alike.
    #[test]
    fn changed_frames_are_read_as_etherparse_reads_them(
        changes in prop::collection::vec((14_usize..50, any::<u8>()), 0..4),
    ) {
        let mut frame = crate::tests::support::udp(4000, 7, b"hello, world");
        for (at, value) in changes {
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
        }
        let Ok(ours) = ipv4::Packet::new_checked(&frame[14..], frame.len() - 14) else {
            return Ok(());
        };
        let Ok(theirs) = SlicedPacket::from_ethernet(&frame) else {
            return Ok(());
        };
        prop_assert!(matches!(theirs.link, Some(LinkSlice::Ethernet2(_))));
        let Some(NetSlice::Ipv4(ip)) = theirs.net else {
            return Ok(());
        };
        prop_assert_eq!(ours.payload().len(), ip.payload().payload.len());
        prop_assert_eq!(ours.source(), ip.header().source_addr());
        prop_assert_eq!(ours.protocol(), ip.header().protocol().0);
        if let Some(TransportSlice::Udp(datagram)) = theirs.transport {
            let payload = ours.payload();
            let Ok(ours) = udp::Packet::new_checked(payload, payload.len()) else {
                // It takes a length of zero for "up to the end", as in an IPv6 jumbogram (RFC 2675
                // section 4); in IPv4 eight is the least (RFC 768).
                prop_assert_eq!(datagram.length(), 0);
                return Ok(());
            };
            prop_assert_eq!(ours.length(), usize::from(datagram.length()));
            prop_assert_eq!(ours.destination_port(), datagram.destination_port());
        }
    }
}

#[test]
fn options_end_at_their_end() {
    use ipv4::options::{Malformed, Option as Opt, Options};
    let parse = |bytes: &[u8]| -> Vec<Result<(u8, usize), Malformed>> {
        Options::new(bytes)
            .map(|option| option.map(|Opt { kind, data }| (kind, data.len())))
            .collect()
    };
    assert_eq!(parse(&[]), []);
    assert_eq!(parse(&[1, 1, 0, 7]), []);
    assert_eq!(parse(&[1, 7, 3, 4, 68, 2]), [Ok((7, 1)), Ok((68, 0))]);
    assert_eq!(parse(&[7, 3, 4, 68]), [Ok((7, 1)), Err(Malformed)]);
    assert_eq!(parse(&[7, 1, 1, 1]), [Err(Malformed)]);
    assert_eq!(parse(&[7, 5, 0, 0]), [Err(Malformed)]);
}

#[test]
fn rfc9293_3_2_tcp_options_end_at_their_end() {
    use tcp::options::{Malformed, Option as Opt, Options};
    let parse = |bytes: &'static [u8]| Options::new(bytes).collect::<Vec<_>>();
    assert_eq!(parse(&[]), []);
    assert_eq!(parse(&[1, 0, 9, 9]), [Ok(Opt::NoOperation), Ok(Opt::End)]);
    assert_eq!(parse(&[2, 1, 1]), [Err(Malformed)]);
    assert_eq!(parse(&[4, 2, 8]), [Ok(Opt::SackPermitted), Err(Malformed)]);
    let other = |kind, data| Ok(Opt::Other { kind, data });
    assert_eq!(parse(&[2, 3, 7]), [other(2, &[7])]);
    assert_eq!(parse(&[5, 2]), [other(5, &[])]);
    assert_eq!(parse(&[5, 4, 1, 2]), [other(5, &[1, 2])]);
    assert_eq!(parse(&[8, 2, 0xFF, 2]), [other(8, &[]), other(0xFF, &[])]);
}

#[test]
fn rfc1112_6_4_groups_map_their_low_23_bits() {
    let address = Ipv4Addr::new(239, 255, 1, 2);
    let hardware = ethernet::of_multicast(address);
    assert_eq!(hardware.0, [0x01, 0x00, 0x5E, 0x7F, 1, 2]);
}
