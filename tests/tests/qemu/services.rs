//! The guest's tasks, from host programs through user networking.

use std::net::UdpSocket;
use tests::machine::{Machine, Options};
use tests::report::Counters;
use tests::services::{CHARGEN, DAYTIME, DISCARD, ECHO, Exchange, Protocol};

fn boot(guest_port: u16) -> (Machine, UdpSocket) {
    let machine = Options::new().forward(Protocol::Udp, guest_port).boot();
    let socket = machine.forward(Protocol::Udp, guest_port).udp();
    (machine, socket)
}

#[track_caller]
fn send(socket: &UdpSocket, datagram: &[u8]) {
    socket
        .send(datagram)
        .expect("a datagram to the loopback address");
}

#[test]
fn echo_of_every_size_that_fits_a_frame() {
    let (machine, socket) = boot(ECHO);
    let mut buffer = [0; 2048];
    for length in 0..=1472 {
        let sent: Vec<u8> = (0..length)
            .map(|index: usize| (index ^ length) as u8)
            .collect();
        send(&socket, &sent);
        let received = socket
            .recv(&mut buffer)
            .unwrap_or_else(|error| panic!("no answer to {length} bytes: {error}"));
        assert_eq!(
            &buffer[..received],
            sent,
            "{length} bytes came back changed"
        );
    }
    machine.power_off();
}

#[test]
fn echo_of_ten_thousand_datagrams_with_eight_on_their_way() {
    let (mut machine, socket) = boot(ECHO);
    let before = Counters::read(&mut machine.console);
    Exchange {
        count: 10_000,
        outstanding: 8,
        largest: 1472,
        seed: 3,
    }
    .run(&socket);
    let grown = Counters::read(&mut machine.console).since(&before);
    assert_eq!(grown.get("task.echo.datagrams"), 10_000);
    machine.power_off();
}

#[test]
fn daytime_answers_with_a_line_of_text() {
    let (machine, socket) = boot(DAYTIME);
    let mut buffer = [0; 2048];
    for question in [b"".as_slice(), b"x", &[0; 1472]] {
        send(&socket, question);
        let length = socket.recv(&mut buffer).expect("an answer");
        let text = std::str::from_utf8(&buffer[..length]).expect("text");
        let line = text
            .strip_suffix("\r\n")
            .unwrap_or_else(|| panic!("no end of line: {text:?}"));
        assert!(
            !line.is_empty()
                && line
                    .chars()
                    .all(|character| (' '..='~').contains(&character)),
            "{line:?}"
        );
    }
    machine.power_off();
}

#[test]
fn chargen_answers_with_up_to_512_printable_characters() {
    let (machine, socket) = boot(CHARGEN);
    let mut buffer = [0; 2048];
    let mut lengths = Vec::new();
    for _ in 0..50 {
        send(&socket, b"any");
        let length = socket.recv(&mut buffer).expect("an answer");
        assert!(length <= 512, "RFC 864 allows 512 characters, not {length}");
        let text = &buffer[..length];
        assert!(
            text.iter()
                .all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n')),
            "{text:02x?}"
        );
        lengths.push(length);
    }
    lengths.sort_unstable();
    lengths.dedup();
    assert!(
        lengths.len() > 1,
        "RFC 864 asks for a random number of characters, always {lengths:?}"
    );
    machine.power_off();
}

#[test]
fn discard_takes_everything_and_answers_nothing() {
    // A socket's window (16384 bytes) holds this many; the task may run late.
    const AT_A_TIME: u64 = 16;
    const SIZE: usize = 1000;
    let (mut machine, socket) = boot(DISCARD);
    let before = Counters::read(&mut machine.console);
    for round in 1..=10 {
        for _ in 0..AT_A_TIME {
            send(&socket, &[7; SIZE]);
        }
        let taken = round * AT_A_TIME;
        let grown = Counters::grown_until(&mut machine.console, &before, |grown| {
            grown.get("task.discard.datagrams") == taken
        });
        assert_eq!(grown.get("task.discard.bytes"), taken * SIZE as u64);
    }
    socket.set_nonblocking(true).expect("a socket");
    assert!(socket.recv(&mut [0; 64]).is_err(), "discard answered");
    machine.power_off();
}

#[test]
fn a_datagram_in_fragments_is_dropped_and_counted() {
    // 3000 bytes leave the host in fragments once the gateway's MTU is applied.
    let (mut machine, socket) = boot(ECHO);
    let before = Counters::read(&mut machine.console);
    socket
        .send(&[1; 3000])
        .expect("a datagram to the loopback address");
    Exchange {
        count: 1,
        outstanding: 1,
        largest: 64,
        seed: 4,
    }
    .run(&socket);
    let grown = Counters::read(&mut machine.console).since(&before);
    assert!(
        grown.iter().any(|(name, _)| name.contains("fragment")),
        "{grown:?}"
    );
    machine.power_off();
}
