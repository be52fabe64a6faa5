//! What was sent, received and asked, and whether all of it has come to its end once and in order.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use std::sync::Mutex;

use super::lock;
use crate::{HardwareAddress, NdisStatus, Packet, PacketFilter};

/// The address of the card.
pub(super) const ADDRESS: HardwareAddress = HardwareAddress([2, 0, 0, 0, 0, 1]);

/// What happened to one protocol.
#[derive(Default)]
pub(super) struct Ledger(Mutex<Account>);

#[derive(Default)]
struct Account {
    /// Number of the newest frame sent.
    newest: u32,
    /// Packets that SendComplete is to come for, by their ids: the number of the frame.
    sends: BTreeMap<u64, u32>,
    /// Frames whose send succeeded.
    succeeded: Vec<u32>,
    /// Frames that came to the card, in order.
    reached: Vec<u32>,
    /// Frames received that have to be indicated, and those that were.
    expected: Vec<u32>,
    received: Vec<u32>,
    /// Requests that RequestComplete is to come for.
    requests: usize,
    /// ResetComplete is to come.
    awaits_reset: bool,
    /// Transfers that TransferDataComplete is to come for: the numbers are not known yet.
    transfers: usize,
    /// ReceiveComplete is to come.
    awaits_receive_complete: bool,
    /// The binding is open, and its packet filter is in force.
    is_open: bool,
    filter: PacketFilter,
}

/// A frame with a number: header, the protocol's number, the frame's number.
pub(super) fn frame(
    destination: HardwareAddress,
    protocol: u8,
    number: u32,
    length: usize,
) -> Vec<u8> {
    let mut frame = destination.0.to_vec();
    frame.extend_from_slice(&[2, 0, 0, 0, 0, 9, 8, 0, protocol]);
    frame.extend_from_slice(&number.to_be_bytes());
    frame.resize(frame.len() + length, protocol ^ number as u8);
    frame
}

/// The protocol's and the frame's number in a payload.
pub(super) fn numbers(payload: &[u8]) -> (u8, u32) {
    let (protocol, rest) = payload.split_first().expect("the payload has its numbers");
    let number = rest.first_chunk().expect("the payload has its numbers");
    (*protocol, u32::from_be_bytes(*number))
}

impl Ledger {
    /// The number of the next frame to send.
    pub(super) fn next(&self) -> u32 {
        let mut account = lock(&self.0);
        account.newest += 1;
        account.newest
    }

    /// Notes a packet before it is sent.
    pub(super) fn sending(&self, packet: &Packet, number: u32) {
        let known = lock(&self.0).sends.insert(packet.info().id, number);
        assert_eq!(known, None, "packet ids are used once");
    }

    /// A send is over, by its answer or by SendComplete.
    pub(super) fn sent(&self, id: u64, status: NdisStatus) {
        assert!(!status.is_pending());
        let mut account = lock(&self.0);
        let number = account.sends.remove(&id);
        let number = number.expect("a send is completed once");
        if status.is_success() {
            account.succeeded.push(number);
        }
    }

    /// A frame came to the card.
    pub(super) fn reached(&self, number: u32) {
        let mut account = lock(&self.0);
        let newest = account.reached.last().copied().unwrap_or(0);
        assert!(
            number > newest,
            "frame {number} came to the card after {newest}"
        );
        account.reached.push(number);
    }

    /// A frame is being indicated by the card, whose own filter may have kept it out.
    pub(super) fn indicated(&self, number: u32, by_card: bool, excused: bool) {
        let mut account = lock(&self.0);
        if account.is_open && account.filter.contains(PacketFilter::DIRECTED) && !excused {
            assert!(
                by_card,
                "the card's packet filter lacks what a binding wants"
            );
            account.expected.push(number);
        }
    }

    /// A frame was indicated to the protocol.
    pub(super) fn received(&self, number: u32) {
        let mut account = lock(&self.0);
        let newest = account.received.last().copied().unwrap_or(0);
        assert!(number > newest, "frame {number} came up after {newest}");
        account.received.push(number);
        account.awaits_receive_complete = true;
    }

    pub(super) fn receive_complete(&self) {
        lock(&self.0).awaits_receive_complete = false;
    }

    pub(super) fn transfer_pending(&self) {
        lock(&self.0).transfers += 1;
    }

    pub(super) fn transfer_complete(&self) {
        let mut account = lock(&self.0);
        let transfers = account.transfers.checked_sub(1);
        account.transfers = transfers.expect("a transfer is completed once");
    }

    pub(super) fn request_pending(&self) {
        lock(&self.0).requests += 1;
    }

    pub(super) fn request_complete(&self) {
        let mut account = lock(&self.0);
        let requests = account.requests.checked_sub(1);
        account.requests = requests.expect("a request is completed once");
    }

    pub(super) fn reset_pending(&self) {
        lock(&self.0).awaits_reset = true;
    }

    pub(super) fn reset_complete(&self) {
        lock(&self.0).awaits_reset = false;
    }

    /// The packet filter is in force from now on; not while it is being changed.
    pub(super) fn filter(&self, filter: PacketFilter) {
        let mut account = lock(&self.0);
        account.filter = filter;
        // Those on their way up meet the new filter.
        account.expected.clear();
    }

    /// What is under way is not completed any more.
    pub(super) fn give_up(&self) {
        let mut account = lock(&self.0);
        account.sends.clear();
        (account.requests, account.transfers) = (0, 0);
    }

    /// Frames on their way up have been lost for want of packets.
    pub(super) fn excuse(&self) {
        lock(&self.0).expected.clear();
    }

    /// Begins anew.
    pub(super) fn clear(&self) {
        *lock(&self.0) = Account::default();
    }

    /// Whether nothing is under way.
    pub(super) fn is_quiet(&self) -> bool {
        let account = lock(&self.0);
        account.sends.is_empty() && account.requests == 0 && account.transfers == 0
    }

    pub(super) fn open(&self) {
        let mut account = lock(&self.0);
        account.is_open = true;
        account.filter = PacketFilter::empty();
    }

    /// The binding is being closed: nothing has to be indicated any more.
    pub(super) fn close(&self) {
        let mut account = lock(&self.0);
        account.is_open = false;
        account.filter = PacketFilter::empty();
        account.expected.clear();
        account.awaits_reset = false;
        account.awaits_receive_complete = false;
    }

    /// Everything has come to its end.
    pub(super) fn check(&self) {
        let account = lock(&self.0);
        assert!(
            account.sends.is_empty(),
            "sends not completed: {:?}",
            account.sends
        );
        for number in &account.succeeded {
            let found = account.reached.binary_search(number);
            assert!(found.is_ok(), "frame {number} was lost on its way down");
        }
        for number in &account.expected {
            let found = account.received.binary_search(number);
            assert!(found.is_ok(), "frame {number} was lost on its way up");
        }
        assert_eq!(account.requests, 0, "requests not completed");
        assert_eq!(account.transfers, 0, "transfers not completed");
        assert!(!account.awaits_reset, "a reset is not over");
        assert!(!account.awaits_receive_complete, "a batch is not over");
    }
}
