//! The NDIS wrapper between a card, filters and protocols that do as they are told.

#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| ndis::simulation::run_script(script));
