use crate::pool::{Pool, PoolUsage, Pooled, PooledArc};
use alloc::vec::Vec;

#[test]
fn every_value_is_given_once_and_then_counted_as_a_failure() {
    let pool = Pool::new(3, |index| index);
    let mut taken: Vec<Pooled<usize>> = (0..3).map_while(|_| pool.allocate()).collect();
    let mut indices: Vec<usize> = taken.iter().map(|value| **value).collect();
    indices.sort_unstable();
    assert_eq!(indices, [0, 1, 2]);
    assert!(pool.allocate().is_none());
    assert_eq!(
        pool.usage(),
        PoolUsage {
            size: 3,
            used: 3,
            peak: 3,
            failures: 1
        }
    );
    taken.pop();
    assert_eq!(pool.usage().used, 2);
    assert!(pool.allocate().is_some());
    drop(taken);
    assert_eq!(
        pool.usage(),
        PoolUsage {
            size: 3,
            used: 0,
            peak: 3,
            failures: 1
        }
    );
}

#[test]
fn a_value_comes_back_as_it_was_left() {
    let pool = Pool::new(1, |_| 0_u32);
    let mut value = pool.allocate().expect("the pool is fresh");
    *value = 7;
    drop(value);
    assert_eq!(*pool.allocate().expect("it was given back"), 7);
}

#[test]
fn an_empty_pool_refuses() {
    let pool = Pool::new(0, |_| ());
    assert!(pool.allocate().is_none());
    assert_eq!(pool.usage().failures, 1);
}

#[test]
fn the_last_shared_handle_gives_back() {
    let pool = Pool::new(1, |_| 1_u32);
    let mut first = pool.allocate().expect("the pool is fresh").into_shared();
    *first.get_mut().expect("there is one handle") = 2;
    let second = first.clone();
    assert!(first.ptr_eq(&second));
    assert!(first.get_mut().is_none());
    let first = first.try_into_unique().expect_err("there are two handles");
    drop(first);
    assert_eq!(pool.usage().used, 1);
    let unique = second.try_into_unique().expect("there is one handle");
    assert_eq!(*unique, 2);
    drop(unique);
    assert_eq!(pool.usage().used, 0);
}

#[test]
fn a_value_that_was_shared_comes_back_with_one_handle() {
    let pool = Pool::new(1, |_| 1_u32);
    let first = pool.allocate().expect("the pool is fresh").into_shared();
    let second = first.clone();
    drop(first);
    drop(second);
    let again = pool.allocate().expect("it was given back").into_shared();
    assert!(again.is_unique());
    let other = again.clone();
    assert!(!again.is_unique());
    drop(other);
    assert!(again.is_unique());
}

#[test]
fn usage_is_counted_up_to_the_size() {
    let mut usage = PoolUsage::new(2);
    assert!(usage.take() && usage.take());
    assert!(!usage.take());
    usage.give_back();
    usage.give_back();
    assert!(usage.take());
    let expected = PoolUsage {
        size: 2,
        used: 1,
        peak: 2,
        failures: 1,
    };
    assert_eq!(usage, expected);
}

#[test]
fn a_handle_is_one_pointer_even_as_an_option() {
    assert_eq!(size_of::<Option<Pooled<u64>>>(), size_of::<usize>());
    assert_eq!(size_of::<Option<PooledArc<u64>>>(), size_of::<usize>());
}
