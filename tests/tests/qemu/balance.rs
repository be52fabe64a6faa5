//! What goes into a layer comes out of it or is dropped by it for one reason: equations between counters.

use tests::report::Growth;

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

/// Checks all of them.
#[track_caller]
pub(crate) fn holds(grown: &Growth) {
    let sum = |names: &[&str]| names.iter().map(|name| grown.sum(name)).sum::<u64>();
    let wrong: Vec<_> = EQUATIONS
        .iter()
        .map(|(left, right)| (left, sum(left), right, sum(right)))
        .filter(|(_, left, _, right)| left != right)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\nin {grown:#?}");
}
