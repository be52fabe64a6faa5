//! What the adapter answers, and what it lets be set.

use ndis::{MULTICAST_LIST_SIZE, NdisStatus, Oid, PacketFilter};

use crate::frame;
use crate::world::run;

#[test]
fn every_identifier_of_the_supported_list_is_answered_or_can_be_set() {
    run(|world| {
        let mut list = [0; 200];
        let oid = Oid::GEN_SUPPORTED_LIST;
        let length = world.ndis.query_adapter(&world.adapter, oid, &mut list);
        let (identifiers, _) = list[..length.expect("the list")].as_chunks::<4>();
        let identifiers = identifiers
            .iter()
            .map(|bytes| Oid(u32::from_le_bytes(*bytes)));
        let supported: Vec<Oid> = identifiers.collect();
        for &oid in &supported {
            let mut buffer = [0; 300];
            let answered = world.ndis.query_adapter(&world.adapter, oid, &mut buffer);
            let set_only = oid == Oid::GEN_PROTOCOL_OPTIONS;
            assert_eq!(answered.is_ok(), !set_only, "{oid}: {answered:?}");
        }
        for oid in Oid::KNOWN.iter().filter(|oid| !supported.contains(oid)) {
            let mut buffer = [0; 300];
            let answered = world.ndis.query_adapter(&world.adapter, *oid, &mut buffer);
            assert_eq!(answered, Err(NdisStatus::NOT_SUPPORTED), "{oid}");
        }
    });
}

#[test]
fn the_adapter_says_that_it_loops_back_itself() {
    run(|world| {
        // NDIS_MAC_OPTION_NO_LOOPBACK would have the wrapper do it.
        assert_eq!(world.number(Oid::GEN_MAC_OPTIONS) & 0x08, 0);
        assert_eq!(world.number(Oid::GEN_MEDIA_IN_USE), 17);
        assert_eq!(world.number(Oid::GEN_MAXIMUM_FRAME_SIZE), 65_535);
        assert_eq!(world.number(Oid::GEN_MAXIMUM_TOTAL_SIZE), 65_549);
        assert_eq!(world.number(Oid::GEN_MEDIA_CONNECT_STATUS), 0, "connected");
        let mut version = [0; 2];
        let oid = Oid::GEN_DRIVER_VERSION;
        let length = world.ndis.query_adapter(&world.adapter, oid, &mut version);
        assert_eq!((length, version), (Ok(2), [0, 5]));
    });
}

#[test]
fn frames_are_counted() {
    run(|world| {
        let peer = world.listener("peer", 4);
        for number in 0..5 {
            assert_eq!(peer.send(&frame(number, 10)), NdisStatus::SUCCESS);
        }
        world.settle();
        peer.received();
        assert_eq!(world.number(Oid::GEN_XMIT_OK), 5);
        assert_eq!(world.number(Oid::GEN_RCV_OK), 5);
        for oid in [
            Oid::GEN_XMIT_ERROR,
            Oid::GEN_RCV_ERROR,
            Oid::GEN_RCV_NO_BUFFER,
        ] {
            assert_eq!(world.number(oid), 0, "{oid}");
        }
    });
}

#[test]
fn what_is_set_is_answered_and_what_is_wrong_refused() {
    run(|world| {
        let (ndis, adapter) = (world.ndis, world.adapter);
        let filter = (PacketFilter::DIRECTED | PacketFilter::PROMISCUOUS).bits();
        let set = |oid, bytes: &[u8]| ndis.set_adapter(&adapter, oid, bytes);
        let oid = Oid::GEN_CURRENT_PACKET_FILTER;
        assert_eq!(set(oid, &filter.to_le_bytes()), Ok(()));
        assert_eq!(world.number(oid), filter);
        let unknown = set(oid, &0x8000_u32.to_le_bytes());
        assert_eq!(unknown, Err(NdisStatus::NOT_SUPPORTED));
        assert_eq!(set(oid, &[1, 0, 0]), Err(NdisStatus::INVALID_LENGTH));
        assert_eq!(world.number(oid), filter);

        let oid = Oid::GEN_CURRENT_LOOKAHEAD;
        assert_eq!(set(oid, &200_u32.to_le_bytes()), Ok(()));
        assert_eq!(world.number(oid), 200);
        assert_eq!(set(oid, &u32::MAX.to_le_bytes()), Ok(()));
        assert_eq!(world.number(oid), 65_535);

        assert_eq!(set(Oid::GEN_PROTOCOL_OPTIONS, &[2, 0, 0, 0]), Ok(()));
        assert_eq!(
            set(Oid::GEN_XMIT_OK, &[0; 4]),
            Err(NdisStatus::NOT_SUPPORTED)
        );
    });
}

#[test]
fn the_multicast_list_is_kept() {
    run(|world| {
        let (ndis, adapter) = (world.ndis, world.adapter);
        let oid = Oid::IEEE_802_3_MULTICAST_LIST;
        let set = |bytes: &[u8]| ndis.set_adapter(&adapter, oid, bytes);
        let list: Vec<u8> = (0..MULTICAST_LIST_SIZE as u8)
            .flat_map(|last| [1, 0, 0x5E, 0, 0, last])
            .collect();
        for length in [6, list.len(), 0] {
            assert_eq!(set(&list[..length]), Ok(()));
            let mut answer = [0; 300];
            let answered = ndis.query_adapter(&adapter, oid, &mut answer);
            assert_eq!(answered, Ok(length));
            assert_eq!(answer[..length], list[..length]);
        }
        assert_eq!(set(&list[..7]), Err(NdisStatus::INVALID_LENGTH));
        let longer = [&list[..], &[1, 0, 0x5E, 1, 0, 0]].concat();
        assert_eq!(set(&longer), Err(NdisStatus::MULTICAST_FULL));
    });
}
