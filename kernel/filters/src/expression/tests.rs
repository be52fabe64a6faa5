use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use etherparse::PacketBuilder;
use ndis::PacketPool;
use proptest::prelude::*;

use super::{Expression, Headers, ParseError};

const HERE: [u8; 6] = [2, 0, 0, 0, 0, 1];
const THERE: [u8; 6] = [2, 0, 0, 0, 0, 2];

fn frame(builder: etherparse::PacketBuilderStep<etherparse::UdpHeader>, length: usize) -> Vec<u8> {
    let mut frame = Vec::new();
    let payload = alloc::vec![0xAA; length];
    builder.write(&mut frame, &payload).expect("it fits");
    frame
}

/// UDP from 10.0.2.2 port 53124 to 10.0.2.15 port 7, 106 bytes.
fn udp() -> Vec<u8> {
    let ip = PacketBuilder::ethernet2(THERE, HERE).ipv4([10, 0, 2, 2], [10, 0, 2, 15], 64);
    frame(ip.udp(53124, 7), 64)
}

fn tcp() -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(HERE, THERE)
        .ipv4([10, 0, 2, 15], [10, 0, 2, 2], 64)
        .tcp(80, 40000, 1, 1024)
        .write(&mut frame, &[])
        .expect("it fits");
    frame
}

fn icmp() -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(THERE, HERE)
        .ipv4([192, 168, 1, 9], [10, 0, 2, 15], 64)
        .icmpv4_echo_request(1, 2)
        .write(&mut frame, b"ping")
        .expect("it fits");
    frame
}

/// Who has 10.0.2.15, from 10.0.2.2, to every station.
fn arp() -> Vec<u8> {
    let packet = etherparse::ArpPacket::new(
        etherparse::ArpHardwareId::ETHERNET,
        etherparse::EtherType::IPV4,
        etherparse::ArpOperation::REQUEST,
        &THERE,
        &[10, 0, 2, 2],
        &[0; 6],
        &[10, 0, 2, 15],
    );
    let mut frame = Vec::new();
    let packet = packet.expect("the lengths agree");
    let builder = PacketBuilder::ethernet2(THERE, [0xFF; 6]).arp(packet);
    builder.write(&mut frame).expect("it fits");
    frame
}

fn takes(words: &str, frame: &[u8]) -> bool {
    let expression = Expression::parse(words).expect(words);
    expression.matches(&Headers::of_bytes(frame, frame.len()))
}

/// Which of UDP, TCP, ICMP, ARP the words take.
fn taken(words: &str) -> String {
    let frames = [("u", udp()), ("t", tcp()), ("i", icmp()), ("a", arp())];
    frames
        .iter()
        .filter(|(_, frame)| takes(words, frame))
        .map(|(name, _)| *name)
        .collect()
}

#[test]
fn every_primitive_takes_what_tcpdump_says() {
    for (words, expected) in [
        ("", "utia"),
        (" , ", "utia"),
        ("arp", "a"),
        ("ip", "uti"),
        ("icmp", "i"),
        ("igmp", ""),
        ("udp", "u"),
        ("tcp", "t"),
        ("host 10.0.2.2", "uta"),
        ("src host 10.0.2.2", "ua"),
        ("src 10.0.2.2", "ua"),
        ("dst host 10.0.2.2", "t"),
        ("dst 10.0.2.15", "uia"),
        ("net 192.168.0.0/16", "i"),
        ("src net 10.0.2.0/24", "uta"),
        ("net 10.9.9.9/8", "utia"),
        ("net 0.0.0.0/0", "utia"),
        ("port 7", "u"),
        ("src port 80", "t"),
        ("dst port 80", ""),
        ("dst port 40000", "t"),
        ("ether host 02:00:00:00:00:02", "utia"),
        ("ether src 02:00:00:00:00:02", "uia"),
        ("ether dst 02-00-00-00-00-02", "t"),
        ("ether src host 020000000002", "uia"),
        ("broadcast", "a"),
        ("ether broadcast", "a"),
        ("multicast", "a"),
        ("less 54", "tia"),
        ("greater 106", "u"),
        ("greater 107", ""),
    ] {
        assert_eq!(taken(words), expected, "{words}");
    }
}

#[test]
fn not_binds_closest_and_the_others_alike_from_the_left() {
    for (words, expected) in [
        ("not udp", "tia"),
        ("! udp", "tia"),
        ("!udp", "tia"),
        ("not not udp", "u"),
        ("udp or tcp", "ut"),
        ("udp || tcp", "ut"),
        ("ip and not udp", "ti"),
        ("ip && !udp", "ti"),
        // From the left: (tcp or udp) and port 7.
        ("tcp or udp and src port 53124", "u"),
        // As one primitive: tcp or (udp and port 9).
        ("tcp or udp port 9", "t"),
        ("arp host 10.0.2.2", "a"),
        ("not udp port 7", "tia"),
        ("not (udp or tcp)", "ia"),
        ("not(udp or tcp)and ip", "i"),
        ("icmp or (arp and host 10.0.2.2)", "ia"),
        ("udp,and,port,7", "u"),
        ("((((udp))))", "u"),
    ] {
        assert_eq!(taken(words), expected, "{words}");
    }
}

#[test]
fn wrong_words_are_named() {
    for (words, expected) in [
        ("foo", "`foo`: a filter word expected"),
        ("udp foo", "`foo`: and, or expected"),
        ("udp and", "a filter word expected at the end"),
        ("host", "an IPv4 address expected at the end"),
        ("host 10.0.2", "`10.0.2`: an IPv4 address expected"),
        ("port 65536", "`65536`: a port expected"),
        (
            "net 10.0.0.0/33",
            "`10.0.0.0/33`: an IPv4 address/bits expected",
        ),
        (
            "src",
            "host, net, port or an IPv4 address expected at the end",
        ),
        ("src x", "`x`: host, net, port or an IPv4 address expected"),
        ("ether host 1", "`1`: a hardware address expected"),
        ("(udp", "`)` expected at the end"),
        ("udp)", "`)`: an open parenthesis expected"),
        ("()", "`)`: a filter word expected"),
        ("not", "a filter word expected at the end"),
        ("less -1", "`-1`: a length expected"),
        ("a\u{7}b", "`a\\u{7}b`: a filter word expected"),
    ] {
        let error = Expression::parse(words).expect_err(words);
        assert_eq!(error.to_string(), expected, "{words}");
    }
    let long = "udp or ".repeat(100) + "udp";
    assert_eq!(Expression::parse(&long), Err(ParseError::TooLong));
    let deep = "(".repeat(100) + "udp";
    assert_eq!(Expression::parse(&deep), Err(ParseError::TooLong));
}

#[test]
fn headers_in_several_segments_are_found() {
    let pool = PacketPool::new(4, 4);
    let frame = udp();
    for cut in 0..frame.len() {
        let mut packet = pool.allocate(2048 - cut).expect("there is one");
        assert!(packet.append_slice(&frame[..cut]));
        // What the first buffer has no room for goes into a second one.
        assert!(packet.append_slice(&frame[cut..]));
        let headers = Headers::of_packet(&packet);
        assert_eq!(headers, Headers::of_bytes(&frame, frame.len()), "{cut}");
    }
}

#[test]
fn only_the_first_fragment_has_ports() {
    let mut frame = udp();
    assert!(takes("port 7", &frame));
    frame[20] = 0x20;
    assert!(takes("port 7", &frame));
    frame[21] = 1;
    assert!(!takes("port 7", &frame));
    assert!(takes("udp and host 10.0.2.2", &frame));
}

fn side() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(""), Just("src "), Just("dst ")]
}

fn primitive() -> impl Strategy<Value = String> {
    let address = any::<[u8; 4]>().prop_map(|bytes| core::net::Ipv4Addr::from(bytes).to_string());
    let near = (0..3_u8).prop_map(|last| format!("10.0.2.{last}"));
    let address = prop_oneof![address, near];
    let hardware = prop_oneof![Just("02:00:00:00:00:01"), Just("02:00:00:00:00:02")];
    prop_oneof![
        prop_oneof![
            Just("arp"),
            Just("ip"),
            Just("icmp"),
            Just("igmp"),
            Just("udp"),
            Just("tcp"),
            Just("broadcast"),
            Just("multicast")
        ]
        .prop_map(String::from),
        (side(), address.clone()).prop_map(|(side, address)| format!("{side}host {address}")),
        (side(), address, 0..=32_u8)
            .prop_map(|(side, address, bits)| format!("{side}net {address}/{bits}")),
        (side(), any::<u16>()).prop_map(|(side, port)| format!("{side}port {port}")),
        (
            prop_oneof![Just("host"), Just("src"), Just("dst")],
            hardware
        )
            .prop_map(|(side, address)| format!("ether {side} {address}")),
        (0..200_u32).prop_map(|length| format!("less {length}")),
        (0..200_u32).prop_map(|length| format!("greater {length}")),
    ]
}

/// Words, and what they mean for a packet.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(String),
    Not(alloc::boxed::Box<Tree>),
    Join(
        &'static str,
        alloc::boxed::Box<Tree>,
        alloc::boxed::Box<Tree>,
    ),
}

impl Tree {
    fn words(&self) -> String {
        match self {
            Self::Leaf(words) => words.clone(),
            Self::Not(inner) => format!("not ({})", inner.words()),
            Self::Join(word, left, right) => {
                format!("({}) {word} ({})", left.words(), right.words())
            }
        }
    }

    fn takes(&self, frame: &[u8]) -> bool {
        match self {
            Self::Leaf(words) => takes(words, frame),
            Self::Not(inner) => !inner.takes(frame),
            Self::Join("and", left, right) => left.takes(frame) && right.takes(frame),
            Self::Join(_, left, right) => left.takes(frame) || right.takes(frame),
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    use alloc::boxed::Box;
    primitive()
        .prop_map(Tree::Leaf)
        .prop_recursive(4, 16, 2, |inner| {
            let word = prop_oneof![Just("and"), Just("or")];
            prop_oneof![
                inner.clone().prop_map(|inner| Tree::Not(Box::new(inner))),
                (word, inner.clone(), inner).prop_map(|(word, left, right)| Tree::Join(
                    word,
                    Box::new(left),
                    Box::new(right)
                )),
            ]
        })
}

proptest! {
    #[test]
    fn an_expression_means_what_its_parts_mean(tree in tree()) {
        let words = tree.words();
        prop_assume!(Expression::parse(&words) != Err(ParseError::TooLong));
        for frame in [udp(), tcp(), icmp(), arp()] {
            prop_assert_eq!(takes(&words, &frame), tree.takes(&frame), "{}", words);
        }
    }

    #[test]
    fn an_expression_prints_what_parses_to_it(tree in tree()) {
        let Ok(expression) = Expression::parse(&tree.words()) else {
            return Ok(());
        };
        let printed = expression.to_string();
        prop_assert_eq!(Expression::parse(&printed), Ok(expression), "{}", printed);
    }

    #[test]
    fn any_text_parses_or_is_refused(text in any::<String>()) {
        if let Err(error) = Expression::parse(&text) {
            prop_assert!(!error.to_string().is_empty());
        }
    }

    #[test]
    fn any_words_parse_or_are_refused(
        words in proptest::collection::vec(
            proptest::sample::select(&[
                "(", ")", "!", "not", "and", "or", "udp", "src", "host", "10.0.2.2", "net", "10.0.0.0/8",
                "port", "7", "ether", "broadcast", "less", "02:00:00:00:00:01",
            ][..]),
            0..20,
        ),
    ) {
        let text = words.join(" ");
        if let Ok(expression) = Expression::parse(&text) {
            let printed = expression.to_string();
            prop_assert_eq!(Expression::parse(&printed), Ok(expression));
        }
    }

    #[test]
    fn any_bytes_have_headers(
        bytes in proptest::collection::vec(any::<u8>(), 0..120),
        length in 0..2000_usize,
    ) {
        let headers = Headers::of_bytes(&bytes, length);
        prop_assert_eq!(headers.length, length);
    }
}
