//! The pool: a value has one owner at a time, and owners see what earlier
//! owners did.

use alloc::boxed::Box;

use loom::cell::Cell;
use loom::thread;

use crate::check;
use crate::pool::{Pool, Pooled};
use crate::sync::{tagless, weakened};

/// Takes a value, uses it, gives it back. The checker reports a use that is
/// not ordered after the last one.
fn use_one(pool: &'static Pool<Cell<u32>>) -> bool {
    let Some(value) = pool.allocate() else {
        return false;
    };
    value.set(value.get() + 1);
    true
}

fn contended_pool() {
    let pool = Pool::new(1, |_| Cell::new(0));
    let other = thread::spawn(|| use_one(pool));
    let mine = use_one(pool);
    let uses = u32::from(mine) + u32::from(other.join().expect("it ends"));
    let value = pool.allocate().expect("both gave it back");
    assert!(uses >= 1);
    assert_eq!(value.get(), uses);
    assert_eq!(pool.usage().used, 1);
    assert_eq!(pool.usage().failures, u64::from(2 - uses));
}

#[test]
fn one_value_between_two_threads() {
    check(8, contended_pool);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn control_weak_orderings_in_the_pool_are_found() {
    weakened(|| check(8, contended_pool));
}

/// Takes every value and gives the first one back last: what the other thread
/// has read of the list's head is right again by its index and by the count,
/// and wrong by what follows. Answers how many there were to take.
fn take_all(pool: &'static Pool<Cell<u32>>) -> u32 {
    let [first, second, third] = core::array::from_fn(|_| pool.allocate());
    let taken = [&first, &second, &third].into_iter().flatten();
    let uses = taken.map(|value| value.set(value.get() + 1)).count();
    drop(second);
    drop(third);
    drop(first);
    uses as u32
}

fn head_that_comes_back() {
    let pool = Pool::new(3, |_| Cell::new(0));
    let other = thread::spawn(|| take_all(pool));
    let mine = u32::from(use_one(pool)) + u32::from(use_one(pool));
    let uses = mine + other.join().expect("it ends");
    let all: [Option<Pooled<_>>; 3] = core::array::from_fn(|_| pool.allocate());
    assert!(all.iter().all(Option::is_some), "a value was lost");
    assert!(pool.allocate().is_none(), "a value is there twice");
    let found: u32 = all.iter().flatten().map(|value| value.get()).sum();
    assert_eq!(found, uses);
}

#[test]
fn a_head_that_comes_back_is_not_taken_for_the_old_one() {
    check(3, head_that_comes_back);
}

#[test]
#[should_panic(expected = "a value was lost")]
fn control_a_head_without_its_tag_is_found() {
    tagless(|| check(3, head_that_comes_back));
}

fn shared_handles() {
    let pool = Pool::new(1, |_| Box::new(Cell::new(0)));
    let first = pool.allocate().expect("the pool is fresh").into_shared();
    first.set(1);
    let second = first.clone();
    let other = thread::spawn(move || {
        assert_eq!(second.get(), 1);
        drop(second);
    });
    let mut first = first;
    if let Some(value) = first.get_mut() {
        value.set(2);
    }
    drop(first);
    if let Some(value) = pool.allocate() {
        value.set(3);
        assert!(value.into_shared().is_unique(), "it is counted anew");
    }
    other.join().expect("it ends");
    assert_eq!(pool.usage().used, 0);
}

#[test]
fn the_only_handle_writes_after_every_other_one_has_read() {
    check(8, shared_handles);
}

#[test]
#[should_panic(expected = "Causality violation")]
fn control_weak_orderings_in_the_count_are_found() {
    weakened(|| check(8, shared_handles));
}
