use alloc::collections::VecDeque;
use alloc::vec::Vec;

use executive::time::Instant;
use proptest::prelude::*;

use super::{Deadlines, Key, List, Lists, Slab};

#[test]
fn a_key_does_not_survive_its_slot() {
    let mut slab = Slab::new(1);
    let first = slab.insert('a').unwrap();
    assert_eq!(slab.insert('b'), Err('b'));
    assert_eq!(slab.remove(first), Some('a'));
    assert_eq!(slab.remove(first), None);
    let second = slab.insert('c').unwrap();
    assert_ne!(first, second);
    assert_eq!(slab.get(first), None);
    assert_eq!(slab.get_mut(second), Some(&mut 'c'));
    let usage = slab.usage();
    assert_eq!(
        (usage.size, usage.used, usage.peak, usage.failures),
        (1, 1, 1, 1)
    );
}

#[test]
fn a_place_is_named_before_it_is_taken_and_given_up_by_not_filling_it() {
    let mut slab = Slab::new(1);
    let named = slab.vacant().unwrap().key();
    assert_eq!((slab.get(named), slab.usage().peak), (None, 0));
    let vacant = slab.vacant().unwrap();
    assert_eq!(vacant.key(), named);
    assert_eq!(vacant.fill('a'), named);
    assert_eq!(slab.get(named), Some(&'a'));
    assert!(slab.vacant().is_none());
    let usage = slab.usage();
    assert_eq!((usage.used, usage.peak, usage.failures), (1, 1, 1));
}

#[test]
fn no_key_is_the_number_zero() {
    let mut slab = Slab::new(2);
    let key = slab.insert(()).unwrap();
    assert_ne!(key.to_raw(), 0);
    assert_eq!(Key::from_raw(key.to_raw()), key);
    assert_eq!(slab.get(Key::from_raw(0)), None);
    assert_eq!(slab.get(Key::from_raw(u64::MAX)), None);
}

#[test]
fn an_empty_table_refuses_and_counts() {
    let mut slab = Slab::new(0);
    assert_eq!(slab.insert(1), Err(1));
    assert_eq!(slab.usage().failures, 1);
}

proptest! {
    /// The lists behave as so many queues that share a bound.
    #[test]
    fn lists_are_queues(operations in prop::collection::vec((0_usize..3, 0_u8..4, any::<u16>()), 0..200)) {
        const SIZE: usize = 8;
        let mut lists = Lists::new(SIZE as u32);
        let mut heads = [List::default(); 3];
        let mut model: [VecDeque<(Key, u16)>; 3] = Default::default();
        for (which, operation, value) in operations {
            let total: usize = model.iter().map(VecDeque::len).sum();
            let (head, queue) = (&mut heads[which], &mut model[which]);
            match operation {
                0 | 1 => {
                    let pushed = lists.push_back(head, value);
                    prop_assert_eq!(pushed.is_ok(), total < SIZE);
                    queue.extend(pushed.map(|key| (key, value)));
                }
                2 => {
                    let popped = head.head().and_then(|key| lists.remove(head, key));
                    prop_assert_eq!(popped, queue.pop_front().map(|(_, value)| value));
                }
                _ => if !queue.is_empty() {
                    let (key, expected) = queue.remove(usize::from(value) % queue.len()).unwrap();
                    prop_assert_eq!(lists.remove(head, key), Some(expected));
                }
            }
            for (head, queue) in heads.iter().zip(&model) {
                let listed: Vec<_> = lists.iter(head).map(|(key, value)| (key, *value)).collect();
                prop_assert_eq!(listed.iter().collect::<Vec<_>>(), queue.iter().collect::<Vec<_>>());
                prop_assert_eq!(head.len() as usize, queue.len());
            }
        }
    }

    /// The earliest deadline is always in front, whatever is removed.
    #[test]
    fn deadlines_come_in_order(operations in prop::collection::vec((any::<bool>(), 0_u64..50, 0_usize..8), 0..200)) {
        let mut slab = Slab::new(8);
        let mut deadlines = Deadlines::new(8);
        let mut model: Vec<(Instant, Key)> = Vec::new();
        for (insert, time, which) in operations {
            if insert {
                if let Ok(key) = slab.insert(()) {
                    deadlines.insert(Instant::from_micros(time), key);
                    model.push((Instant::from_micros(time), key));
                }
            } else if !model.is_empty() {
                let (_, key) = model.swap_remove(which % model.len());
                slab.remove(key);
                deadlines.remove(key);
                deadlines.remove(key);
            }
            let earliest = model.iter().map(|(deadline, _)| *deadline).min();
            prop_assert_eq!(deadlines.earliest().map(|(deadline, _)| deadline), earliest);
        }
    }
}
