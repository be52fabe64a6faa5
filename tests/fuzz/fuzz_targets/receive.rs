//! The card driver's receive path, and what is around it, against the modelled card.

#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| ne2000::model::run_script(script));
