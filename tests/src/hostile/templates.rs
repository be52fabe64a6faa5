//! Well formed frames of every protocol, built by etherparse, to be changed.

use crate::peer::build::written;
use crate::peer::{self, BROADCAST, GATEWAY, GUEST, GUEST_HARDWARE, hardware_of};
use crate::services::{CHARGEN, DAYTIME, DISCARD, ECHO};
use etherparse::icmpv4::{
    DestUnreachableHeader, RedirectCode, RedirectHeader, TimeExceededCode, TimestampMessage,
};
use etherparse::igmp::{
    GroupAddress, LeaveGroupType, MembershipQueryType, MembershipReportV1Type,
    MembershipReportV2Type, MembershipReportV3Header,
};
use etherparse::{
    ArpOperation, Ethernet2Header, IcmpEchoHeader, Icmpv4Type, IgmpType, IpFragOffset, IpNumber,
    Ipv4Header, PacketBuilder, PacketBuilderStep, TcpHeader,
};
use std::net::Ipv4Addr;

const PORT: u16 = 4000;
const TIME_TO_LIVE: u8 = 64;
const GROUP: [u8; 4] = [224, 0, 0, 1];
/// A port that nobody has open.
const CLOSED: u16 = 4999;

/// All of them, for the guest.
pub fn all() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for host in [
        GATEWAY,
        Ipv4Addr::new(10, 0, 2, 77),
        Ipv4Addr::new(10, 0, 2, 78),
    ] {
        frames.extend([
            peer::arp_request(host),
            peer::arp_reply(host, (GUEST_HARDWARE, GUEST)),
            peer::arp(ArpOperation::REPLY, host, BROADCAST, (GUEST_HARDWARE, host)),
        ]);
        frames.extend(
            [0, 1, 56, 1472].map(|length| peer::echo_request(host, 1, 1, &vec![0x44; length])),
        );
        for port in [ECHO, ECHO, DISCARD, DAYTIME, CHARGEN, CLOSED] {
            frames.extend(
                [0, 5, 200, 1472].map(|length| peer::udp((host, PORT), port, &vec![0x45; length])),
            );
        }
    }
    frames.extend(icmp());
    frames.extend(igmp());
    frames.extend(tcp());
    frames.extend(fragments());
    frames
}

fn ip() -> PacketBuilderStep<etherparse::IpHeaders> {
    PacketBuilder::ethernet2(hardware_of(GATEWAY), GUEST_HARDWARE).ipv4(
        GATEWAY.octets(),
        GUEST.octets(),
        TIME_TO_LIVE,
    )
}

fn icmp() -> Vec<Vec<u8>> {
    // The datagram that an error is about, from the guest.
    let quoted: Vec<u8> = {
        let mut frame = peer::udp((GATEWAY, PORT), ECHO, &[0x46; 8]);
        frame.drain(..14);
        frame[12..16].copy_from_slice(&GUEST.octets());
        frame[16..20].copy_from_slice(&GATEWAY.octets());
        frame
    };
    let fragmentation = DestUnreachableHeader::FragmentationNeeded { next_hop_mtu: 576 };
    let redirect = RedirectHeader {
        code: RedirectCode::RedirectForHost,
        gateway_internet_address: [10, 0, 2, 3],
    };
    let times = TimestampMessage {
        id: 1,
        seq: 1,
        originate_timestamp: 1,
        receive_timestamp: 2,
        transmit_timestamp: 3,
    };
    let kinds = [
        Icmpv4Type::EchoReply(IcmpEchoHeader { id: 1, seq: 1 }),
        Icmpv4Type::DestinationUnreachable(DestUnreachableHeader::Port),
        Icmpv4Type::DestinationUnreachable(DestUnreachableHeader::Host),
        Icmpv4Type::DestinationUnreachable(fragmentation),
        Icmpv4Type::TimeExceeded(TimeExceededCode::TtlExceededInTransit),
        Icmpv4Type::Redirect(redirect),
        Icmpv4Type::TimestampRequest(times),
    ];
    kinds
        .into_iter()
        .map(|kind| {
            let data = match kind {
                Icmpv4Type::TimestampRequest(_) => &[],
                _ => quoted.as_slice(),
            };
            written(|frame| ip().icmpv4(kind).write(frame, data))
        })
        .collect()
}

fn igmp() -> Vec<Vec<u8>> {
    let group = |address| GroupAddress::new(address);
    let query = |max_response_time, address| {
        IgmpType::MembershipQuery(MembershipQueryType {
            max_response_time,
            group_address: group(address),
        })
    };
    let kinds = [
        query(0, [0; 4]),
        query(100, GROUP),
        IgmpType::MembershipReportV1(MembershipReportV1Type {
            group_address: group(GROUP),
        }),
        IgmpType::MembershipReportV2(MembershipReportV2Type {
            group_address: group([224, 0, 0, 251]),
        }),
        IgmpType::LeaveGroup(LeaveGroupType {
            group_address: group([224, 0, 0, 251]),
        }),
        IgmpType::MembershipReportV3(MembershipReportV3Header {
            flags: [0; 2],
            num_of_records: 1,
        }),
    ];
    // One record of a version 3 report: change to exclude mode, no sources, a group (RFC 3376 section 4.2).
    let record = [4, 0, 0, 0, 224, 0, 0, 251];
    let builder = || {
        PacketBuilder::ethernet2(hardware_of(GATEWAY), [0x01, 0, 0x5e, 0, 0, 1]).ipv4(
            GATEWAY.octets(),
            GROUP,
            1,
        )
    };
    kinds
        .into_iter()
        .map(|kind| {
            let data: &[u8] = match kind {
                IgmpType::MembershipReportV3(_) => &record,
                _ => &[],
            };
            written(|frame| builder().igmp(kind).write(frame, data))
        })
        .collect()
}

fn tcp() -> Vec<Vec<u8>> {
    let header = |port, change: fn(&mut TcpHeader)| {
        let mut header = TcpHeader::new(PORT, port, 0x1234_5678, 8192);
        change(&mut header);
        header
    };
    let mut frames = Vec::new();
    for port in [ECHO, DISCARD, 80] {
        let headers = [
            header(port, |header| header.syn = true),
            header(port, |header| (header.syn, header.ack) = (true, true)),
            header(port, |header| header.ack = true),
            header(port, |header| (header.fin, header.ack) = (true, true)),
            header(port, |header| header.rst = true),
            header(port, |header| {
                header.syn = true;
                // Maximum segment size 1460, window scale 7, selective acknowledgements permitted.
                let options = [2, 4, 5, 0xb4, 3, 3, 7, 1, 4, 2, 1, 1];
                header
                    .set_options_raw(&options)
                    .expect("three words of options");
            }),
        ];
        for header in headers {
            for length in [0, 100, 1400] {
                frames.push(written(|frame| {
                    ip().tcp_header(header.clone())
                        .write(frame, &vec![0x47; length])
                }));
            }
        }
    }
    frames
}

/// Parts of a datagram to the echo service: whole ones, a first one alone, a last one alone, overlapping ones, one beyond 65535 bytes.
fn fragments() -> Vec<Vec<u8>> {
    let datagram = &peer::udp((GATEWAY, PORT), ECHO, &[0x48; 1400])[34..];
    let parts = [
        (0, true, &datagram[..800]),
        (100, false, &datagram[800..]),
        (50, true, &datagram[400..1200]),
        (99, false, &datagram[..8]),
        (8191, false, &datagram[..64]),
        (1, true, &datagram[..7]),
    ];
    parts
        .map(|(offset, more, payload)| fragment(offset, more, payload))
        .into()
}

fn fragment(offset: u16, more_fragments: bool, payload: &[u8]) -> Vec<u8> {
    let header = Ipv4Header::new(
        payload.len() as u16,
        TIME_TO_LIVE,
        IpNumber::UDP,
        GATEWAY.octets(),
        GUEST.octets(),
    );
    let mut header = header.expect("a payload that fits a frame");
    header.identification = 7;
    header.fragment_offset = IpFragOffset::try_new(offset).expect("13 bits");
    header.more_fragments = more_fragments;
    header.header_checksum = header.calc_header_checksum();
    let link = Ethernet2Header {
        source: hardware_of(GATEWAY),
        destination: GUEST_HARDWARE,
        ether_type: etherparse::EtherType::IPV4,
    };
    let mut frame = link.to_bytes().to_vec();
    frame.extend_from_slice(&header.to_bytes());
    frame.extend_from_slice(payload);
    frame
}
