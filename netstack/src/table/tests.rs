use super::{HashChains, List, Lists, Slots, Timers};
use executive::time::Instant;
use proptest::prelude::*;
use std::collections::{BTreeMap, VecDeque};
use std::vec::Vec;

const SLOTS: usize = 16;

#[test]
fn a_handle_leads_nowhere_after_its_slot_is_reused() {
    let mut slots = Slots::new(1);
    let first = slots.insert('a').expect("room");
    assert_eq!(slots.insert('b'), Err('b'));
    assert_eq!(slots.remove(first), Some('a'));
    let second = slots.insert('c').expect("room");
    assert_eq!(slots.get(first), None);
    assert_eq!(slots.remove(first), None);
    assert_eq!(slots.get(second), Some(&'c'));
    assert_eq!(slots.len(), 1);
}

#[test]
fn tables_without_slots_hold_nothing() {
    assert_eq!(Slots::new(0).insert(1), Err(1));
    let mut chains = HashChains::new(0, 1);
    chains.insert(1, 0);
    assert_eq!(chains.first(1), None);
    let mut timers = Timers::new(0);
    timers.set(0, Instant::from_micros(1));
    assert_eq!(timers.earliest(), None);
}

#[test]
fn chains_are_short_for_neighbouring_keys() {
    let mut chains = HashChains::new(256, 0x1234_5678_9ABC_DEF1);
    for slot in 0..256 {
        chains.insert(0x0A00_0000 + slot as u64, slot);
    }
    let longest = (0..256)
        .map(|key| chains.chain(0x0A00_0000 + key).count())
        .max();
    assert!(longest < Some(10), "{longest:?}");
}

proptest! {
    #[test]
    fn chains_hold_what_a_map_holds(
        operations in prop::collection::vec((any::<bool>(), 0..SLOTS, 0_u64..6), 0..200),
    ) {
        let mut chains = HashChains::new(SLOTS, 0x5555_1234_5678_9ABD);
        let mut model = BTreeMap::new();
        for (insert, slot, key) in operations {
            if insert && !model.contains_key(&slot) {
                chains.insert(key, slot);
                model.insert(slot, key);
            } else if let Some(key) = model.remove(&slot) {
                chains.remove(key, slot);
            }
            for key in 0..6 {
                let mut found: Vec<_> =
                    chains.chain(key).filter(|slot| model.get(slot) == Some(&key)).collect();
                found.sort_unstable();
                let wanted: Vec<_> =
                    model.iter().filter(|&(_, &k)| k == key).map(|(&slot, _)| slot).collect();
                prop_assert_eq!(found, wanted);
            }
        }
    }

    #[test]
    fn lists_keep_the_order(
        operations in prop::collection::vec((0_u8..3, 0..SLOTS), 0..200),
    ) {
        let mut lists = Lists::new(SLOTS);
        let mut list = List::EMPTY;
        let mut model = VecDeque::new();
        for (operation, slot) in operations {
            match operation {
                0 if !model.contains(&slot) => {
                    lists.push_back(&mut list, slot);
                    model.push_back(slot);
                }
                1 if model.contains(&slot) => {
                    lists.remove(&mut list, slot);
                    model.retain(|&other| other != slot);
                }
                2 => prop_assert_eq!(lists.pop_front(&mut list), model.pop_front()),
                _ => {}
            }
            prop_assert_eq!(list.len(), model.len());
            prop_assert_eq!(list.first(), model.front().copied());
        }
        while let Some(slot) = lists.pop_front(&mut list) {
            prop_assert_eq!(Some(slot), model.pop_front());
        }
        prop_assert!(model.is_empty());
    }

    #[test]
    fn timers_expire_in_order(
        operations in prop::collection::vec((any::<bool>(), 0..SLOTS, 0_u64..50), 0..200),
        now in 0_u64..50,
    ) {
        let mut timers = Timers::new(SLOTS);
        let mut model = BTreeMap::new();
        for (set, slot, at) in operations {
            if set {
                timers.set(slot, Instant::from_micros(at));
                model.insert(slot, at);
            } else {
                timers.clear(slot);
                model.remove(&slot);
            }
            let earliest = model.values().min().map(|&at| Instant::from_micros(at));
            prop_assert_eq!(timers.earliest(), earliest);
        }
        let mut expired = Vec::new();
        while let Some(slot) = timers.pop_expired(Instant::from_micros(now)) {
            expired.push(model.remove(&slot).expect("was set"));
        }
        prop_assert!(expired.is_sorted());
        prop_assert!(model.values().all(|&at| at > now));
    }
}
