use super::{FromText, MAXIMUM_ENTRIES, Problem, Registry};
use core::net::Ipv4Addr;
use netstack::Prefix;
use proptest::prelude::*;

#[test]
fn values_are_found_without_regard_to_case() {
    let registry = Registry::parse(b"Ne2000.Port=0x300 tcpip.ipaddress=10.0.2.15/24");
    assert_eq!(registry.get("NE2000", "port"), Some("0x300"));
    assert_eq!(registry.get_as::<u16>("Ne2000", "Port"), Some(0x300));
    assert_eq!(
        registry.get_as::<Prefix>("Tcpip", "IPAddress"),
        Prefix::new(Ipv4Addr::new(10, 0, 2, 15), 24)
    );
    assert!(registry.problems().is_empty());
}

#[test]
fn values_nobody_read_are_named() {
    let registry = Registry::parse(b"Ne2000.Port=0x300 Ne2000.Prot=1");
    let _ = registry.get("Ne2000", "Port");
    assert!(registry.unread().eq([("Ne2000", "Prot")]));
}

#[test]
fn malformed_words_are_kept_as_problems() {
    let registry = Registry::parse(b"  quiet Key=1 .a=1 a.=1 x.y= \xff.z=1 ");
    assert_eq!(
        registry.problems(),
        [
            Problem::Malformed("quiet".into()),
            Problem::Malformed("Key=1".into()),
            Problem::Malformed(".a=1".into()),
            Problem::Malformed("a.=1".into()),
            Problem::NotText { offset: 29 },
        ]
    );
    assert_eq!(registry.get("x", "y"), Some(""));
}

#[test]
fn the_later_of_two_values_holds_and_is_reported() {
    let registry = Registry::parse(b"a.b=1 A.B=2");
    assert_eq!(registry.get("a", "b"), Some("2"));
    assert_eq!(registry.problems(), [Problem::Repeated("A.B".into())]);
}

#[test]
fn words_beyond_the_limit_are_reported() {
    let words: std::vec::Vec<_> = (0..=MAXIMUM_ENTRIES)
        .map(|n| std::format!("a.k{n}={n}"))
        .collect();
    let line = words.join(" ");
    let registry = Registry::parse(line.as_bytes());
    let last = std::format!("a.k{MAXIMUM_ENTRIES}={MAXIMUM_ENTRIES}");
    assert_eq!(registry.problems(), [Problem::TooMany(last.into())]);
}

#[test]
fn values_outside_their_range_count_as_not_given() {
    let registry = Registry::parse(b"a.b=65536 a.c=-1 a.d=0x a.e=10.0.2.15/33 a.f=+5 a.g=0x+5");
    for key in ["b", "c", "d", "f", "g"] {
        assert_eq!(registry.get_as::<u16>("a", key), None, "{key}");
    }
    assert_eq!(registry.get_as::<Prefix>("a", "e"), None);
}

proptest! {
    #[test]
    fn any_bytes_are_a_command_line(line in proptest::collection::vec(any::<u8>(), 0..512)) {
        let registry = Registry::parse(&line);
        for (section, key) in registry.unread() {
            prop_assert!(!section.is_empty() && !key.is_empty());
        }
        for problem in registry.problems() {
            let text = std::format!("{problem}");
            prop_assert!(!text.is_empty());
        }
    }

    #[test]
    fn numbers_read_back(value: u16) {
        prop_assert_eq!(u16::from_text(&std::format!("{value}")), Some(value));
        prop_assert_eq!(u16::from_text(&std::format!("{value:#x}")), Some(value));
    }
}
