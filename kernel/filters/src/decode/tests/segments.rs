//! TCP.

use etherparse::TcpOptionElement;

use super::{cut, datagram, line, tcp};

#[test]
fn tcp_has_flags_numbers_and_options() {
    let ends = "IP 10.0.2.2.53124 > 10.0.2.15.80:";
    let syn = tcp(
        |header| {
            header.syn = true;
            let options = [
                TcpOptionElement::MaximumSegmentSize(1460),
                TcpOptionElement::SelectiveAcknowledgementPermitted,
                TcpOptionElement::Timestamp(5, 0),
                TcpOptionElement::Noop,
                TcpOptionElement::WindowScale(7),
            ];
            header.set_options(&options).expect("they fit");
        },
        &[],
    );
    let options = "mss 1460,sackOK,TS val 5 ecr 0,nop,wscale 7";
    assert_eq!(
        line(&syn),
        std::format!("{ends} Flags [S], seq 1000, win 64240, options [{options}], length 0")
    );
    let push = tcp(
        |header| {
            (header.psh, header.ack, header.acknowledgment_number) = (true, true, 7);
        },
        b"data",
    );
    assert_eq!(
        line(&push),
        std::format!("{ends} Flags [P.], seq 1000:1004, ack 7, win 64240, length 4")
    );
    let ack = tcp(|header| header.ack = true, &[]);
    assert_eq!(
        line(&ack),
        std::format!("{ends} Flags [.], ack 0, win 64240, length 0")
    );
    let urgent = tcp(
        |header| {
            (header.urg, header.urgent_pointer, header.fin, header.rst) = (true, 9, true, true);
        },
        &[],
    );
    assert_eq!(
        line(&urgent),
        std::format!("{ends} Flags [FRU], seq 1000, win 64240, urg 9, length 0")
    );
    let none = tcp(|_| {}, &[]);
    assert_eq!(
        line(&none),
        std::format!("{ends} Flags [none], win 64240, length 0")
    );
    let sack = tcp(
        |header| {
            let block =
                TcpOptionElement::SelectiveAcknowledgement((1, 2), [Some((3, 4)), None, None]);
            header.set_options(&[block]).expect("it fits");
        },
        &[],
    );
    assert!(
        line(&sack).contains("options [sack 2 {1:2}{3:4},eol]"),
        "{}",
        line(&sack)
    );
    assert_eq!(cut(&syn, 54), std::format!("{ends} TCP, [|tcp]"));
    assert_eq!(cut(&syn, 40), std::format!("{ends} TCP, [|tcp]"));
}

#[test]
fn malformed_tcp_is_said_to_be_so() {
    let ends = "IP 10.0.2.2.53124 > 10.0.2.15.80:";
    let mut offset = tcp(|_| {}, &[]);
    offset[46] = 0x60;
    assert_eq!(
        line(&offset),
        std::format!("{ends} TCP, malformed: data offset")
    );
    offset[46] = 0x40;
    assert_eq!(
        line(&offset),
        std::format!("{ends} TCP, malformed: data offset")
    );
    let mut options = tcp(
        |header| {
            let options = [TcpOptionElement::MaximumSegmentSize(1)];
            header.set_options(&options).expect("it fits");
        },
        &[],
    );
    options[55] = 5;
    assert!(line(&options).contains("options [malformed]"));
    (options[54], options[55]) = (0xFD, 4);
    assert!(line(&options).contains("options [unknown-253 00 01]"));
    let short = datagram(6, &[0; 19]);
    assert!(line(&short).ends_with("TCP, malformed: 19 bytes are no tcp header"));
}
