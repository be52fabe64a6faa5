//! What goes into a layer comes out of it or is dropped by it for one reason: equations between counters.

use tests::console::Console;
use tests::report::{Counters, Growth};

/// The sum of the counters on the left is that on the right. A word may end in `*`. Of the adapters only the
/// cards count: a filter's has the same frames once more.
const EQUATIONS: [(&[&str], &[&str]); 10] = [
    (
        &["ndis.Ne2000*.frames_received"],
        &["ne2000.Ne2000*.frames_received"],
    ),
    (
        &["ndis.Ne2000*.frames_received"],
        &[
            "ndis.Ne2000*.dropped_filtered",
            "ndis.Ne2000*.dropped_short_header",
            "ndis.Ne2000*.dropped_no_binding",
            "binding.Ne2000*.frames_indicated",
        ],
    ),
    (
        &["ndis.Ne2000*.sends"],
        &["ndis.Ne2000*.sends_done", "ndis.Ne2000*.sends_failed"],
    ),
    (
        &["ne2000.Ne2000*.frames_sent"],
        &["ndis.Ne2000*.sends_done"],
    ),
    (
        &["lan.indicated"],
        &["lan.queued", "lan.not_accepted_*", "lan.dropped_*"],
    ),
    (&["ethernet.received"], &["lan.queued"]),
    (
        &["ethernet.received"],
        &["ethernet.dropped_*", "arp.received", "ip.received"],
    ),
    // A datagram of a protocol that nobody takes was delivered, but to nobody.
    (
        &["ip.received", "ip.dropped_protocol"],
        &["ip.dropped_*", "ip.delivered"],
    ),
    (
        &["ip.delivered"],
        &["icmp.received", "udp.received", "ip.dropped_protocol"],
    ),
    (&["udp.received"], &["udp.dropped_*", "udp.delivered"]),
];

/// Looks at the counters. A frame that the guest sends while it prints them, to see whether a neighbour is still there, is in those that
/// are printed later only: then it does not add up, but does at another look. What is lost stays so.
const LOOKS: usize = 5;

/// By how much the counters have grown since `before`; checks that it adds up.
#[track_caller]
pub(crate) fn holds(console: &mut Console, before: &Counters) -> Growth {
    let mut look = || Counters::read(console).since(before);
    let mut grown = look();
    for _ in 1..LOOKS {
        if wrong(&grown).is_empty() {
            break;
        }
        grown = look();
    }
    let wrong = wrong(&grown);
    assert!(wrong.is_empty(), "{wrong:#?}\nin {grown:#?}");
    grown
}

type Sum = (&'static [&'static str], u64);

/// The equations that do not hold, each side with its sum.
fn wrong(grown: &Growth) -> Vec<(Sum, Sum)> {
    let sum =
        |names: &'static [&str]| -> Sum { (names, names.iter().map(|name| grown.sum(name)).sum()) };
    EQUATIONS
        .iter()
        .map(|(left, right)| (sum(left), sum(right)))
        .filter(|((_, left), (_, right))| left != right)
        .collect()
}
