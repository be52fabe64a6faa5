//! The scripts that fuzzing runs, at random here.

use ne2000::model::run_script;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_script_makes_the_driver_fail(
        script in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        run_script(&script);
    }
}

#[test]
fn empty_script_is_a_card_that_works() {
    for choice in 0..=u8::MAX {
        run_script(&[choice]);
    }
}
