//! Two stacks on a wire that loses, duplicates and reorders frames.

use std::collections::BTreeSet;
use std::format;
use std::string::String;
use std::vec::Vec;

use executive::time::Duration;
use proptest::prelude::*;

use super::support::{GATEWAY_IP, Host, OUR_HARDWARE, OUR_IP, PEER_HARDWARE, PEER_IP};
use crate::StackConfiguration;
use crate::icmp::EchoRequest;

/// What the wire does to frames, in percent.
#[derive(Debug, Clone, Copy)]
struct Faults {
    loss: u64,
    duplication: u64,
    reordering: u64,
}

/// A seeded wire between two hosts.
struct Wire {
    hosts: [Host; 2],
    faults: Faults,
    random: crate::random::Random,
    /// Frames on the way, to which host.
    on_the_way: Vec<(usize, Vec<u8>)>,
}

impl Wire {
    fn new(seed: u64, faults: Faults) -> Self {
        let configuration = StackConfiguration::default();
        let hosts = [(OUR_HARDWARE, OUR_IP), (PEER_HARDWARE, PEER_IP)];
        Self {
            hosts: hosts.map(|(hardware, ip)| Host::made_of(&configuration, hardware, ip)),
            faults,
            random: crate::random::Random::new([seed, !seed]),
            on_the_way: Vec::new(),
        }
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.random.below(100) < percent
    }

    /// Takes what the hosts have sent, and does to it what the wire does.
    fn collect(&mut self) {
        for from in 0..2 {
            for frame in self.hosts[from].frames() {
                if self.chance(self.faults.loss) {
                    continue;
                }
                let copies = 1 + usize::from(self.chance(self.faults.duplication));
                for _ in 0..copies {
                    let mut place = self.on_the_way.len();
                    if self.chance(self.faults.reordering) {
                        place = self.random.below(place as u64 + 1) as usize;
                    }
                    self.on_the_way.insert(place, (1 - from, frame.clone()));
                }
            }
        }
    }

    /// Delivers until the wire is quiet, at most `most` frames.
    fn run(&mut self, most: usize) {
        for _ in 0..most {
            self.collect();
            if self.on_the_way.is_empty() {
                return;
            }
            let (to, frame) = self.on_the_way.remove(0);
            self.hosts[to].receive(&frame);
        }
        panic!("the hosts never stop talking");
    }

    fn advance(&mut self, duration: Duration) {
        for host in &mut self.hosts {
            host.advance(duration);
        }
        self.run(10_000);
    }
}

#[test]
fn a_perfect_wire_carries_everything_once_in_order() {
    let mut wire = Wire::new(
        1,
        Faults {
            loss: 0,
            duplication: 0,
            reordering: 0,
        },
    );
    let [client, server] = wire.hosts.each_mut().map(|host| host.open([0; 4], 7));
    for id in 0..100 {
        wire.hosts[1].post(server, id);
        let status = wire.hosts[0].send(client, id, (PEER_IP, 7), format!("{id}").as_bytes());
        wire.run(10_000);
        assert_eq!(status, if id == 0 { "PENDING" } else { "SUCCESS" });
        assert_eq!(
            wire.hosts[1].completions(),
            [format!("{id}: SUCCESS, 10.0.2.15:7 > 10.0.2.3:7, \"{id}\"")]
        );
    }
    assert_eq!(wire.hosts[0].stack.counters().arp.requests_sent, 1);
    for host in &wire.hosts {
        assert_eq!(host.pools(), (0, 0));
    }
}

#[test]
fn both_hosts_ping_each_other() {
    let mut wire = Wire::new(
        2,
        Faults {
            loss: 0,
            duplication: 0,
            reordering: 0,
        },
    );
    for (from, to) in [(0, PEER_IP), (1, OUR_IP)] {
        let request = EchoRequest {
            destination: to.into(),
            identifier: 5,
            sequence: 1,
            length: 1472,
            time_to_live: 64,
            timeout: Duration::from_secs(1),
        };
        let now = wire.hosts[from].now;
        assert!(wire.hosts[from].stack.send_echo(&request, now).is_success());
        wire.run(100);
        let echoes = wire.hosts[from].echoes();
        assert_eq!(echoes.len(), 1);
        assert!(echoes[0].starts_with("5/1: 1472 bytes from"));
    }
}

#[test]
fn a_gateway_that_is_not_there_is_asked_for_and_given_up() {
    let mut wire = Wire::new(
        3,
        Faults {
            loss: 0,
            duplication: 0,
            reordering: 0,
        },
    );
    let object = wire.hosts[0].open([0; 4], 7);
    let status = wire.hosts[0].send(object, 1, ([192, 0, 2, 1], 7), b"hello");
    assert_eq!(status, "PENDING");
    for _ in 0..3 {
        wire.advance(Duration::from_secs(1));
    }
    assert_eq!(wire.hosts[0].completions(), ["1: HOST_UNREACHABLE, sent 0"]);
    assert!(wire.hosts[0].neighbour(GATEWAY_IP).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever the wire does, each datagram that arrives is one that was
    /// sent, unchanged; every request ends; and nothing is left in the pools.
    #[test]
    fn a_bad_wire_loses_datagrams_and_nothing_else(
        seed in any::<u64>(),
        loss in 0_u64..60,
        duplication in 0_u64..40,
        reordering in 0_u64..60,
    ) {
        const COUNT: u64 = 40;
        let mut wire = Wire::new(seed, Faults { loss, duplication, reordering });
        let [client, server] = wire.hosts.each_mut().map(|host| host.open([0; 4], 7));
        let mut sent = BTreeSet::new();
        let mut pending = 0;
        for id in 0..COUNT {
            let payload = format!("datagram number {id}");
            let status = wire.hosts[0].send(client, id, (PEER_IP, 7), payload.as_bytes());
            pending += u64::from(status == "PENDING");
            sent.insert(format!("SUCCESS, 10.0.2.15:7 > 10.0.2.3:7, {payload:?}"));
            for receive in 0..2 {
                wire.hosts[1].post(server, 1000 + id * 2 + receive);
            }
            if id % 4 == 0 {
                wire.advance(Duration::from_millis(250));
            }
        }
        for _ in 0..20 {
            wire.advance(Duration::from_secs(1));
        }
        let ended = wire.hosts[0].completions().len() as u64;
        prop_assert_eq!(ended, pending, "every send ends");
        let received: Vec<String> = wire.hosts[1].completions();
        for line in &received {
            let (_, what) = line.split_once(": ").expect("a line");
            prop_assert!(sent.contains(what), "{}", line);
        }
        if loss == 0 && duplication == 0 {
            prop_assert_eq!(received.len() as u64, COUNT);
        }
        for host in &mut wire.hosts {
            prop_assert_eq!(host.stack.close_address(client), executive::status::NtStatus::SUCCESS);
            host.completions();
            prop_assert_eq!(host.pools(), (0, 0));
        }
    }
}
