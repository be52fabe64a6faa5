use std::format;
use std::string::ToString;
use std::vec;

use ndis::Oid;
use proptest::prelude::*;

use super::name::parse;
use super::value::{Setting, Value};

fn shown(oid: Oid, bytes: &[u8]) -> std::string::String {
    Value { oid, bytes }.to_string()
}

#[test]
fn identifiers_are_known_by_name_and_by_number() {
    for word in [
        "802_3_CURRENT_ADDRESS",
        "OID_802_3_current_address",
        "IEEE_802_3_CURRENT_ADDRESS",
        "0x01010102",
        "0X1010102",
    ] {
        assert_eq!(parse(word), Some(Oid::IEEE_802_3_CURRENT_ADDRESS), "{word}");
    }
    for word in ["", "OID_", "0x", "0x+1", "0x100000000", "GEN_NOTHING", "17"] {
        assert_eq!(parse(word), None, "{word}");
    }
}

#[test]
fn answers_are_decoded_by_their_form() {
    for (oid, bytes, text) in [
        (
            Oid::GEN_LINK_SPEED,
            &100_000_u32.to_le_bytes()[..],
            "100000 (10 Mbit/s)",
        ),
        (Oid::GEN_DRIVER_VERSION, &[0, 5], "5.0"),
        (Oid::GEN_VENDOR_DESCRIPTION, b"NE2000\0", "NE2000"),
        (Oid::GEN_VENDOR_DESCRIPTION, b"\x1b[2J", "\\x1b[2J"),
        (
            Oid::GEN_CURRENT_PACKET_FILTER,
            &[9, 0, 0, 0],
            "0x9 (directed,broadcast)",
        ),
        (Oid::GEN_HARDWARE_STATUS, &[0, 0, 0, 0], "0 (ready)"),
        (Oid::GEN_HARDWARE_STATUS, &[9, 0, 0, 0], "9"),
        (
            Oid::GEN_MEDIA_IN_USE,
            &[0, 0, 0, 0, 99, 0, 0, 0],
            "802.3,99",
        ),
        (Oid::GEN_SUPPORTED_LIST, &[0; 8], "2 identifiers"),
        (
            Oid::GEN_MAC_OPTIONS,
            &[0xB, 0, 0, 0],
            "0xb (copy-lookahead-data,receive-serialized,no-loopback)",
        ),
        (
            Oid::IEEE_802_3_CURRENT_ADDRESS,
            &[0x52, 0x54, 0, 1, 2, 3],
            "52:54:00:01:02:03",
        ),
        (Oid::IEEE_802_3_MULTICAST_LIST, &[], "none"),
        (Oid(0xFF00_0001), &[1, 0xAB], "01 ab"),
        // Not of the form it should have.
        (Oid::GEN_XMIT_OK, &[], "-"),
        (Oid::GEN_XMIT_OK, &[1; 9], "01 01 01 01 01 01 01 01 01"),
        (Oid::IEEE_802_3_CURRENT_ADDRESS, &[1, 2], "01 02"),
    ] {
        assert_eq!(shown(oid, bytes), text, "{oid}");
    }
}

#[test]
fn values_are_read_in_the_form_they_are_shown_in() {
    let set = |oid, text| Setting::parse(oid, text).map(|setting| setting.bytes().to_vec());
    let filter = Oid::GEN_CURRENT_PACKET_FILTER;
    assert_eq!(set(filter, "directed,All-Multicast"), Ok(vec![5, 0, 0, 0]));
    assert_eq!(set(filter, "0x20"), Ok(vec![0x20, 0, 0, 0]));
    assert_eq!(set(filter, "none"), Ok(vec![0; 4]));
    let list = Oid::IEEE_802_3_MULTICAST_LIST;
    assert_eq!(
        set(list, "01:00:5e:00:00:01,33-33-00-00-00-01"),
        Ok(vec![1, 0, 0x5e, 0, 0, 1, 0x33, 0x33, 0, 0, 0, 1])
    );
    assert_eq!(set(list, "none"), Ok(vec![]));
    assert_eq!(set(Oid::GEN_CURRENT_LOOKAHEAD, "256"), Ok(vec![0, 1, 0, 0]));
    assert_eq!(set(Oid(0xFF00_0001), "01aB"), Ok(vec![1, 0xAB]));
    for (oid, text) in [
        (filter, "everything"),
        (filter, "directed,"),
        (filter, "-1"),
        (list, "01:00:5e"),
        (Oid::GEN_CURRENT_LOOKAHEAD, "4294967296"),
        (Oid(0xFF00_0001), "1"),
        (Oid(0xFF00_0001), "zz"),
    ] {
        assert!(set(oid, text).is_err(), "{oid} {text}");
    }
}

proptest! {
    #[test]
    fn any_answer_is_shown(oid in any::<u32>(), known in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        for oid in [Oid(oid), *known.get(Oid::KNOWN)] {
            let value = Value { oid, bytes: &bytes };
            let (line, whole) = (format!("{value}"), format!("{value:#}"));
            prop_assert!(!line.contains('\x1b') && !whole.contains('\x1b'));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(known in any::<prop::sample::Index>(), text in "\\PC{0,130}") {
        let oid = *known.get(Oid::KNOWN);
        let _ = Setting::parse(oid, &text);
        let _ = parse(&text);
    }
}
