//! CLEANUP, CLOSE and duplicates.

use executive::NtStatus;

use super::support::{at, on_two_hosts};
use crate::{Handle, MajorFunction};

#[test]
fn seed_59_the_last_handle_tears_the_endpoint_down() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let first = two.bound(2000);
        let second = two.duplicate(first);
        assert_eq!(two.try_close(first), NtStatus::SUCCESS);
        assert_eq!(two.receive(first, 10).result().0, NtStatus::INVALID_HANDLE);
        one.send_to(sender, at(2, 2000), b"still here");
        assert_eq!(two.receive_now(second), Ok(b"still here".to_vec()));
        assert_eq!(two.try_close(second), NtStatus::SUCCESS);
        two.look(|_, stack| assert_eq!(stack.address_objects().count(), 0));
        one.close(sender);
        one.assert_level();
        two.assert_level();
    });
}

#[test]
fn seed_59_closing_one_of_two_handles_cancels_nothing() {
    on_two_hosts(|_, two| {
        let first = two.bound(2000);
        let second = two.duplicate(first);
        let pending = two.receive(first, 10);
        two.close(first);
        assert_eq!(pending.result().0, NtStatus::PENDING);
        two.close(second);
        assert_eq!(pending.result(), (NtStatus::CANCELLED, 0));
    });
}

#[test]
fn wt_44_closing_cancels_pending_receives_with_no_bytes() {
    on_two_hosts(|_, two| {
        let handle = two.bound(2000);
        let pending = [two.receive(handle, 10), two.receive(handle, 10)];
        assert_eq!(two.try_clean_up(handle), NtStatus::SUCCESS);
        for ticket in pending {
            assert_eq!(ticket.result(), (NtStatus::CANCELLED, 0));
        }
        assert_eq!(two.counters().cancelled, 2);
        assert_eq!(two.try_close(handle), NtStatus::SUCCESS);
        two.assert_level();
    });
}

#[test]
fn after_cleanup_requests_find_the_file_closed() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        one.clean_up(handle);
        assert_eq!(one.receive(handle, 10).result().0, NtStatus::FILE_CLOSED);
        assert_eq!(
            one.try_send_to(handle, at(2, 7), b"x").0,
            NtStatus::FILE_CLOSED
        );
        assert_eq!(one.sock_name(handle), Err(NtStatus::FILE_CLOSED));
        assert_eq!(one.try_clean_up(handle), NtStatus::FILE_CLOSED);
        let duplicate = one.request(MajorFunction::DuplicateHandle, handle, |_| ());
        assert_eq!(duplicate.result().0, NtStatus::FILE_CLOSED);
        assert_eq!(one.try_close(handle), NtStatus::SUCCESS);
        drop(duplicate);
        one.assert_level();
    });
}

#[test]
fn close_alone_cleans_up_too() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        let pending = one.receive(handle, 10);
        let closed = one.request(MajorFunction::Close, handle, |_| ());
        assert_eq!(closed.result(), (NtStatus::SUCCESS, 0));
        assert_eq!(pending.result(), (NtStatus::CANCELLED, 0));
        drop((closed, pending));
        one.assert_level();
    });
}

#[test]
fn a_closed_handle_never_names_anything_again() {
    on_two_hosts(|one, _| {
        let old = one.bound(7);
        one.close(old);
        let new = one.bound(8);
        assert_ne!(old, new);
        assert_eq!(old.slot(), new.slot(), "the slot is used again");
        assert_eq!(one.sock_name(old), Err(NtStatus::INVALID_HANDLE));
        assert_eq!(one.try_close(old), NtStatus::INVALID_HANDLE);
        for raw in [0, 1, u64::MAX, new.to_raw() ^ 1 << 32] {
            assert_eq!(
                one.sock_name(Handle::from_raw(raw)),
                Err(NtStatus::INVALID_HANDLE)
            );
        }
    });
}

#[test]
fn unread_datagrams_go_back_to_the_pool_and_are_counted() {
    on_two_hosts(|one, two| {
        let sender = one.bound(1000);
        let handle = two.bound(2000);
        for _ in 0..3 {
            one.send_to(sender, at(2, 2000), b"unread");
        }
        two.close(handle);
        assert_eq!(two.counters().dropped_unread, 3);
        one.close(sender);
        two.assert_level();
    });
}

#[test]
fn a_port_is_free_again_after_its_endpoint_was_cleaned_up() {
    on_two_hosts(|one, _| {
        let handle = one.bound(7);
        one.clean_up(handle);
        one.bound(7);
    });
}
