//! Datagrams from more hosts than any table holds, some of which never answer a question for their hardware address.

use crate::quiet::Level;
use crate::wire::boot;
use std::net::Ipv4Addr;
use tests::peer::{self, GATEWAY, Message};
use tests::report::Counters;
use tests::services::ECHO;

const PORT: u16 = 4000;

/// Hosts of the guest's network other than the guest and its gateway.
fn hosts() -> impl Iterator<Item = Ipv4Addr> {
    (16..=254).map(|host| Ipv4Addr::new(10, 0, 2, host))
}

#[test]
fn every_host_of_the_network_gets_its_answer() {
    let (mut machine, peer) = boot();
    let level = Level::of(&mut machine.console);
    for round in 0..3_u8 {
        for host in hosts() {
            peer.send(&peer::udp((host, PORT), ECHO, &[round; 30]));
            let expected = Message::Udp {
                destination: (host, PORT),
                source_port: ECHO,
                payload: vec![round; 30],
            };
            peer.receive_until("echo", |message| *message == expected);
        }
    }
    level.comes_back(&mut machine.console);
    machine.power_off();
}

#[test]
fn hosts_that_never_answer_cost_the_others_nothing() {
    let (mut machine, peer) = boot();
    let level = Level::of(&mut machine.console);
    let silent = |host: Ipv4Addr| host.octets()[3] % 2 == 1;
    let peer = peer.silent_for(silent);
    for round in 0..4_u8 {
        for host in hosts() {
            peer.send(&peer::udp((host, PORT), ECHO, &[round; 200]));
            if silent(host) {
                continue;
            }
            let expected = Message::Udp {
                destination: (host, PORT),
                source_port: ECHO,
                payload: vec![round; 200],
            };
            peer.receive_until("echo", |message| *message == expected);
        }
    }
    level.comes_back(&mut machine.console);
    peer.ping();
    machine.power_off();
}

#[test]
fn hosts_of_other_networks_are_answered_through_the_gateway() {
    let (mut machine, peer) = boot();
    let before = Counters::read(&mut machine.console);
    for number in 0..1000_u32 {
        // 198.18.0.0/15 is for tests like this one (RFC 2544).
        let host = Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 1)) + number);
        let mut frame = peer::udp((host, PORT), ECHO, &number.to_be_bytes());
        frame[6..12].copy_from_slice(&peer::hardware_of(GATEWAY));
        peer.send(&frame);
        let expected = Message::Udp {
            destination: (host, PORT),
            source_port: ECHO,
            payload: number.to_be_bytes().to_vec(),
        };
        peer.receive_until("echo", |message| *message == expected);
    }
    let grown = Counters::read(&mut machine.console).since(&before);
    assert_eq!(grown.get("task.echo.datagrams"), 1000);
    machine.power_off();
}
