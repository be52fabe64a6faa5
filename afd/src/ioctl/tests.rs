use alloc::vec::Vec;

use executive::{Duration, Instant, NtStatus};
use netstack::SocketAddress;
use netstack::tdi::{ReceiveFlags, Transport};
use proptest::prelude::*;

use super::*;
use crate::handle::Handle;

#[test]
fn control_codes_have_afds_numbers() {
    for (code, number) in [
        (ControlCode::BIND, 0x12003),
        (ControlCode::CONNECT, 0x12007),
        (ControlCode::START_LISTEN, 0x1200B),
        (ControlCode::WAIT_FOR_LISTEN, 0x1200C),
        (ControlCode::ACCEPT, 0x12010),
        (ControlCode::RECV, 0x12017),
        (ControlCode::RECV_DATAGRAM, 0x1201B),
        (ControlCode::SEND, 0x1201F),
        (ControlCode::SEND_DATAGRAM, 0x12023),
        (ControlCode::SELECT, 0x12024),
        (ControlCode::DISCONNECT, 0x1202B),
        (ControlCode::GET_SOCK_NAME, 0x1202F),
        (ControlCode::GET_PEER_NAME, 0x12033),
        (ControlCode::GET_TDI_HANDLES, 0x12037),
        (ControlCode::SET_INFO, 0x1203B),
        (ControlCode::GET_CONTEXT_SIZE, 0x1203F),
        (ControlCode::GET_CONTEXT, 0x12043),
        (ControlCode::SET_CONTEXT, 0x12047),
        (ControlCode::SET_CONNECT_DATA, 0x1204B),
        (ControlCode::SET_DISCONNECT_OPTIONS, 0x12057),
        (ControlCode::GET_CONNECT_DATA, 0x1205B),
        (ControlCode::GET_DISCONNECT_OPTIONS, 0x12067),
        (ControlCode::SET_CONNECT_DATA_SIZE, 0x1206B),
        (ControlCode::SET_DISCONNECT_OPTIONS_SIZE, 0x12077),
        (ControlCode::GET_INFO, 0x1207B),
        (ControlCode::EVENT_SELECT, 0x12087),
        (ControlCode::ENUM_NETWORK_EVENTS, 0x1208B),
        (ControlCode::DEFER_ACCEPT, 0x1208F),
        (ControlCode::GET_PENDING_CONNECT_DATA, 0x120A7),
        (ControlCode::VALIDATE_GROUP, 0x120AB),
    ] {
        assert_eq!(code.0, number, "{code}");
        assert!(code.name().is_some());
    }
    assert_eq!(ControlCode(0x12025).name(), None);
}

#[test]
fn a_bind_payload_byte_by_byte() {
    let data = BindData {
        share: ShareType::Exclusive,
        address: SocketAddress::new([10, 0, 2, 15].into(), 0x1234),
    };
    let mut buffer = [0xFF; BindData::SIZE];
    assert_eq!(data.encode(&mut buffer), Ok(26));
    let expected = [
        3, 0, 0, 0, // share type
        1, 0, 0, 0, // one address
        14, 0, 2, 0, // its length and type
        0x12, 0x34, 10, 0, 2, 15, // port and address in network order
        0, 0, 0, 0, 0, 0, 0, 0,
    ];
    assert_eq!(buffer, expected);
    assert_eq!(BindData::parse(&buffer), Ok(data));
    assert_eq!(data.encode(&mut [0; 25]), Err(NtStatus::BUFFER_TOO_SMALL));
}

#[test]
fn an_open_packet_byte_by_byte() {
    let mut buffer = [0; 64];
    let flags = EndpointFlags::CONNECTIONLESS | EndpointFlags::MESSAGE_ORIENTED;
    let length = OpenPacket::encode(&mut buffer, flags, 5, UDP_DEVICE).unwrap();
    assert_eq!(length, 12 + 2 * UDP_DEVICE.len());
    assert_eq!(
        buffer[..16],
        [0x11, 0, 0, 0, 5, 0, 0, 0, 22, 0, 0, 0, b'\\', 0, b'D', 0]
    );
    let packet = OpenPacket::parse(&buffer[..length]).unwrap();
    assert_eq!((packet.flags, packet.group), (flags, 5));
    assert_eq!(packet.transport(), Some(Transport::Udp));
}

#[test]
fn hostile_open_packets_are_refused() {
    let packet = |flags: u32, length: u32, name: &[u8]| {
        let head = [flags, 0, length].map(u32::to_le_bytes).concat();
        [&head[..], name].concat()
    };
    for bad in [
        packet(2, 0, b""),
        packet(0x11, 3, b"abc"),
        packet(0x11, 4, b"abc"),
        packet(0x11, u32::MAX, b"abc"),
    ] {
        assert_eq!(OpenPacket::parse(&bad), Err(NtStatus::INVALID_PARAMETER));
    }
    for name in [&b""[..], &[0xD8; 8], &[b'x'; 200]] {
        let bytes = packet(0x11, name.len() as u32, name);
        assert_eq!(OpenPacket::parse(&bytes).unwrap().transport(), None);
    }
}

#[test]
fn lengths_of_buffers_are_summed_with_care() {
    let payload = |lengths: &[u32]| {
        let head = [lengths.len() as u32, 4, 0x20];
        [&head, lengths]
            .concat()
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect::<Vec<_>>()
    };
    let info = ReceiveInfo::parse(&payload(&[10, 0, 20])).unwrap();
    assert_eq!(info.capacity, 30);
    assert_eq!(
        (info.afd_flags, info.tdi_flags),
        (AfdFlags::IMMEDIATE, ReceiveFlags::NORMAL)
    );
    let invalid = Err(NtStatus::INVALID_PARAMETER);
    assert_eq!(ReceiveInfo::parse(&payload(&[])), invalid);
    assert_eq!(ReceiveInfo::parse(&payload(&[u32::MAX, 1])), invalid);
    let mut count = payload(&[1]);
    count[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(ReceiveInfo::parse(&count), invalid);
}

#[test]
fn poll_timeouts_are_relative_absolute_now_or_never() {
    for (raw, timeout) in [
        (0, PollTimeout::Now),
        (-10, PollTimeout::After(Duration::from_micros(1))),
        (-20_000_000, PollTimeout::After(Duration::from_secs(2))),
        (50, PollTimeout::At(Instant::from_micros(5))),
        (i64::MAX, PollTimeout::Never),
    ] {
        assert_eq!(PollTimeout::from_raw(raw), timeout);
        assert_eq!(timeout.to_raw(), raw);
    }
    assert_eq!(
        PollTimeout::from_raw(-1),
        PollTimeout::After(Duration::from_micros(1))
    );
    let now = Instant::from_micros(100);
    assert_eq!(PollTimeout::Now.deadline(now), Some(now));
    assert_eq!(
        PollTimeout::After(Duration::from_micros(7))
            .deadline(now)
            .unwrap()
            .as_micros(),
        107
    );
    assert_eq!(PollTimeout::from_raw(i64::MIN).deadline(Instant::MAX), None);
    assert_eq!(PollTimeout::Never.deadline(now), None);
    assert_eq!(PollTimeout::After(Duration::MAX).to_raw(), -i64::MAX);
}

fn any_address() -> impl Strategy<Value = SocketAddress> {
    (any::<[u8; 4]>(), any::<u16>())
        .prop_map(|(octets, port)| SocketAddress::new(octets.into(), port))
}

fn encoded(encode: impl FnOnce(&mut [u8]) -> Result<usize, NtStatus>) -> Vec<u8> {
    let mut buffer = [0xEE; 2048];
    let length = encode(&mut buffer).unwrap();
    buffer[..length].to_vec()
}

proptest! {
    /// Parsing is total, and what it takes has the meaning it is given.
    #[test]
    fn any_bytes_parse_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = OpenPacket::parse(&bytes).map(|packet| packet.transport());
        if let Ok(data) = BindData::parse(&bytes) {
            prop_assert_eq!(BindData::parse(&encoded(|buffer| data.encode(buffer))), Ok(data));
        }
        if let Ok(info) = ConnectInfo::parse(&bytes) {
            prop_assert_eq!(ConnectInfo::parse(&encoded(|buffer| info.encode(buffer))), Ok(info));
        }
        let _ = Information::parse(&bytes);
        let _ = ReceiveInfo::parse(&bytes);
        let _ = SendInfo::parse(&bytes);
        let _ = SendInfo::parse_datagram(&bytes);
        let _ = parse_transport_address(&bytes);
        if let Ok(info) = PollInfo::parse(&bytes) {
            prop_assert!(poll_size(info.count()) <= bytes.len());
            prop_assert_eq!(info.handles().count(), info.count());
            prop_assert_eq!(info.handle(info.count()), None);
        }
    }

    #[test]
    fn addresses_survive_the_way(address in any_address()) {
        let bytes = encoded(|buffer| encode_transport_address(buffer, address));
        prop_assert_eq!(parse_transport_address(&bytes), Ok(address));
        for cut in 0..bytes.len() {
            prop_assert_eq!(parse_transport_address(&bytes[..cut]), Err(NtStatus::INVALID_ADDRESS));
        }
    }

    #[test]
    fn sends_survive_the_way(
        remote in prop::option::of(any_address()),
        lengths in prop::collection::vec(0_usize..70_000, 1..20),
        flags in 0_u32..8,
    ) {
        let flags = AfdFlags::from_bits_truncate(flags);
        let bytes =
            encoded(|buffer| SendInfo::encode(buffer, flags, remote, lengths.iter().copied()));
        let parsed = match remote {
            Some(_) => SendInfo::parse_datagram(&bytes),
            None => SendInfo::parse(&bytes),
        };
        let length = lengths.iter().sum();
        prop_assert_eq!(parsed, Ok(SendInfo { length, afd_flags: flags, tdi_flags: 0, remote }));
    }

    #[test]
    fn polls_survive_the_way(
        raw_timeout in any::<i64>(),
        exclusive in any::<bool>(),
        handles in prop::collection::vec((any::<u64>(), 0_u32..0x200, any::<u32>()), 1..64),
    ) {
        let entries: Vec<_> = handles
            .into_iter()
            .map(|(handle, events, status)| PollHandle {
                handle: Handle::from_raw(handle),
                events: PollEvents::from_bits_truncate(events),
                status: NtStatus(status),
            })
            .collect();
        let bytes = encoded(|buffer| {
            let mut writer = PollWriter::new(buffer, raw_timeout, exclusive)?;
            entries.iter().try_for_each(|entry| writer.push(*entry))?;
            Ok(writer.finish())
        });
        prop_assert_eq!(bytes.len(), poll_size(entries.len()));
        let info = PollInfo::parse(&bytes).unwrap();
        prop_assert_eq!((info.raw_timeout, info.exclusive), (raw_timeout, exclusive));
        prop_assert_eq!(info.handles().collect::<Vec<_>>(), entries);
    }
}
