//! The wrapper under scripts: bindings moved, closed and opened, filters inserted and removed, cards
//! reset and restarted, with traffic in both directions all the time.

use ndis::simulation::run_script;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn seed_58_no_script_loses_doubles_or_reorders_anything(
        script in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        run_script(&script);
    }
}
