//! Tests of the machine layer's logic.

use std::collections::BTreeSet;
use std::vec::Vec;

use executive::Instant;
use gimli::X86_64;
use proptest::prelude::*;

use super::date::from_registers;
use super::heap_size::configured;
use super::patience::Patience;
use super::ranges::Ranges;
use super::time_scale::TimeScale;
use super::unwind::{Registers, Unwinder};
use crate::machine::Date;

mod ranges {
    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u64, u64),
        Remove(u64, u64),
        Take(u64, u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..64_u64, 0..12_u64).prop_map(|(start, length)| Step::Insert(start, length)),
            (0..64_u64, 0..12_u64).prop_map(|(start, length)| Step::Remove(start, length)),
            (1..10_u64, 0..4_u32).prop_map(|(length, shift)| Step::Take(length, shift)),
        ]
    }

    proptest! {
        /// Against a set of single addresses, which no range can be missing from.
        #[test]
        fn hold_what_a_plain_set_holds(steps in proptest::collection::vec(step(), 1..60)) {
            let mut ranges = Ranges::<64>::new();
            let mut set = BTreeSet::new();
            for step in steps {
                match step {
                    Step::Insert(start, length) => {
                        prop_assert!(ranges.insert(start..start + length));
                        set.extend(start..start + length);
                    }
                    Step::Remove(start, length) => {
                        prop_assert!(ranges.remove(start..start + length));
                        set.retain(|address| !(start..start + length).contains(address));
                    }
                    Step::Take(length, shift) => {
                        let alignment = 1 << shift;
                        let expected = (0..100).find(|start| {
                            start % alignment == 0
                                && (*start..start + length).all(|address| set.contains(&address))
                        });
                        let taken = ranges.take(length, alignment);
                        prop_assert_eq!(taken.clone().map(|range| range.start), expected);
                        if let Some(taken) = taken {
                            prop_assert_eq!(taken.end - taken.start, length);
                            set.retain(|address| !taken.contains(address));
                        }
                    }
                }
                prop_assert_eq!(ranges.total(), set.len() as u64);
            }
        }
    }

    #[test]
    fn join_neighbours() {
        let mut ranges = Ranges::<4>::new();
        assert!(ranges.insert(0..10) && ranges.insert(20..30) && ranges.insert(10..20));
        assert_eq!(ranges.longest(), 30);
    }

    #[test]
    fn refuse_what_does_not_fit_and_keep_the_rest() {
        let mut ranges = Ranges::<2>::new();
        assert!(ranges.insert(0..10) && ranges.insert(20..30));
        assert!(!ranges.insert(40..50));
        assert!(!ranges.remove(4..6));
        assert_eq!(ranges.total(), 20);
        assert!(ranges.remove(0..5));
        assert_eq!(ranges.total(), 15);
    }

    #[test]
    fn survive_the_end_of_the_address_space() {
        let mut ranges = Ranges::<4>::new();
        assert!(ranges.insert(u64::MAX - 10..u64::MAX));
        assert_eq!(ranges.take(20, 4096), None);
        assert_eq!(ranges.take(u64::MAX, 1), None);
    }
}

mod time_scale {
    use super::*;

    #[test]
    fn counts_become_microseconds() {
        for hertz in [1_000_001, 50_000_000, 2_600_000_000, 19_999_999_999] {
            let scale = TimeScale::from_hertz(hertz).expect("above 1 MHz");
            for seconds in [0, 1, 60, 86_400, 365 * 86_400] {
                let microseconds = scale.microseconds(hertz * seconds);
                let exact = seconds * 1_000_000;
                // Rounded down, by the error of one part in 2^44 at most.
                assert!(microseconds <= exact && exact - microseconds <= 1 + exact / (1 << 44));
            }
        }
    }

    #[test]
    fn no_count_is_too_large() {
        let scale = TimeScale::from_hertz(2_000_000_000).expect("above 1 MHz");
        assert!(scale.microseconds(u64::MAX).abs_diff(u64::MAX / 2000) <= 1);
    }

    #[test]
    fn slow_counters_are_refused() {
        assert_eq!(TimeScale::from_hertz(0), None);
        assert_eq!(TimeScale::from_hertz(1_000_000), None);
    }

    #[test]
    fn time_stands_still_until_the_scale_is_known() {
        assert_eq!(TimeScale::from_factor(0).microseconds(u64::MAX), 0);
    }
}

mod date {
    use super::*;

    const DECIMAL_24: u8 = 0x02;
    const BINARY_24: u8 = 0x06;
    const DECIMAL_12: u8 = 0x00;

    #[test]
    fn decimal_digits_and_binary_numbers() {
        let expected = Some(Date {
            year: 2026,
            month: 11,
            day: 21,
            hour: 22,
            minute: 46,
            second: 41,
        });
        assert_eq!(
            from_registers([0x41, 0x46, 0x22, 0x21, 0x11, 0x26], DECIMAL_24),
            expected
        );
        assert_eq!(
            from_registers([41, 46, 22, 21, 11, 26], BINARY_24),
            expected
        );
    }

    #[test]
    fn hours_that_count_to_twelve() {
        let hour =
            |register| from_registers([0, 0, register, 1, 1, 0], DECIMAL_12).map(|date| date.hour);
        assert_eq!(hour(0x12), Some(0));
        assert_eq!(hour(0x01), Some(1));
        assert_eq!(hour(0x92), Some(12));
        assert_eq!(hour(0x91), Some(23));
        assert_eq!(hour(0x00), None);
        assert_eq!(hour(0x13), None);
    }

    #[test]
    fn two_digits_of_the_year() {
        let year =
            |register| from_registers([0, 0, 0, 1, 1, register], BINARY_24).map(|date| date.year);
        assert_eq!(year(69), Some(2069));
        assert_eq!(year(70), Some(1970));
        assert_eq!(year(99), Some(1999));
        assert_eq!(year(100), None);
    }

    #[test]
    fn no_clock_is_no_date() {
        assert_eq!(from_registers([0xff; 6], 0xff), None);
        assert_eq!(from_registers([0; 6], DECIMAL_24), None);
        assert_eq!(from_registers([0x6a, 0, 0, 1, 1, 0], DECIMAL_24), None);
    }

    proptest! {
        #[test]
        fn any_registers_are_a_valid_date_or_none(values: [u8; 6], status_b: u8) {
            if let Some(date) = from_registers(values, status_b) {
                prop_assert!((1970..2070).contains(&date.year));
                prop_assert!((1..=12).contains(&date.month) && (1..=31).contains(&date.day));
                prop_assert!(date.hour < 24 && date.minute < 60 && date.second < 60);
            }
        }
    }
}

mod heap_size {
    use super::*;

    #[test]
    fn the_last_good_word_counts() {
        assert_eq!(configured(b""), None);
        assert_eq!(configured(b"Log.Level=debug"), None);
        assert_eq!(configured(b"kernel.HEAP=4096 Ne2000.Irq=9"), Some(4096));
        assert_eq!(
            configured(b"Kernel.Heap=1 Kernel.Heap=2\tKernel.Heap=x"),
            Some(2)
        );
        assert_eq!(
            configured(b"Kernel.Heap=0 Kernel.Heap= Kernel.Heap=-1"),
            None
        );
        assert_eq!(configured(b"Kernel.Heap=4294967296 Kernel.Heap=\xff"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_borne(command_line: Vec<u8>) {
            configured(&command_line);
        }
    }
}

mod patience {
    use super::*;

    const IDLE: u8 = 0x60;
    const SENDING: u8 = 0x00;
    const READINGS: usize = 100_000;

    fn no_clock() -> Instant {
        Instant::ZERO
    }

    #[test]
    fn a_live_transmitter_is_waited_for() {
        let mut patience = Patience::new();
        for _ in 0..10 {
            for _ in 0..READINGS - 1 {
                assert_eq!(patience.observe(SENDING, no_clock), SENDING);
            }
            assert_eq!(patience.observe(IDLE, no_clock), IDLE);
        }
        assert!(!patience.is_exhausted());
    }

    #[test]
    fn a_dead_transmitter_is_given_up_until_it_moves() {
        let mut patience = Patience::new();
        let waited = (0..2 * READINGS).find(|_| patience.observe(SENDING, no_clock) == IDLE);
        assert!(waited.is_some_and(|readings| readings <= READINGS));
        assert!(patience.is_exhausted());
        assert_eq!(patience.observe(SENDING, no_clock), IDLE);
        // Other bits are passed on.
        assert_eq!(patience.observe(IDLE | 1, no_clock), IDLE | 1);
        assert!(!patience.is_exhausted());
        assert_eq!(patience.observe(SENDING, no_clock), SENDING);
    }

    #[test]
    fn a_holding_register_that_never_gets_out_is_given_up_too() {
        const STUCK: u8 = 0x20;

        let mut patience = Patience::new();
        assert!((0..2 * READINGS).any(|_| patience.observe(STUCK, no_clock) == IDLE));
    }

    #[test]
    fn with_a_clock_time_has_to_pass_as_well() {
        let mut patience = Patience::new();
        let at = |ms| move || Instant::from_millis(ms);
        assert!((0..3 * READINGS).all(|_| patience.observe(SENDING, at(1)) == SENDING));
        assert_eq!(patience.observe(SENDING, at(500)), SENDING);
        assert_eq!(patience.observe(SENDING, at(501)), IDLE);
    }
}

mod unwind {
    use super::*;

    /// Where the tables are linked.
    const TABLES: u64 = 0x1000;
    /// A function that pushes rbx and makes room for 32 bytes.
    const FUNCTION: u64 = 0x2000;
    const TEXT: (u64, u64) = (0x2000, 0x3000);

    /// Unwind tables of one function, as compilers write them (LSB core specification,
    /// section 10.6).
    fn tables() -> Vec<u8> {
        let mut bytes = Vec::new();
        // Common information: augmentation "zR", code alignment 1, data alignment -8,
        // return address in 16; function addresses are relative, 4 bytes.
        let common = [
            1, b'z', b'R', 0, 1, 0x78, 16, 1, 0x1b, 0x0c, 7, 8, 0x90, 1, 0, 0,
        ];
        bytes.extend((4 + common.len() as u32).to_le_bytes());
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend(common);
        let description = bytes.len();
        // At +1 the frame is at rsp + 16 and rbx was saved 16 below it; at +5 it is at
        // rsp + 48.
        let program = [0x41, 0x0e, 16, 0x83, 2, 0x44, 0x0e, 48];
        bytes.extend((4 + 8 + 1 + program.len() as u32 + 3).to_le_bytes());
        bytes.extend((description as u32 + 4).to_le_bytes());
        let place = TABLES + bytes.len() as u64;
        bytes.extend((FUNCTION.wrapping_sub(place) as u32).to_le_bytes());
        bytes.extend(0x100_u32.to_le_bytes());
        bytes.push(0);
        bytes.extend(program);
        bytes.extend([0; 3]);
        bytes.extend(0_u32.to_le_bytes());
        bytes
    }

    /// A stack at 0x8000: the saved rbx at 0x8020, the return address at 0x8028.
    fn read(address: u64) -> Option<u64> {
        match address {
            0x8020 => Some(0xbbbb),
            0x8028 => Some(0x2abc),
            0x8030 => Some(0x5),
            0x8000..0x8100 => Some(0),
            _ => None,
        }
    }

    fn caller(tables: &[u8], rip: u64, exact: bool, stack: u64) -> Option<Registers> {
        let unwinder = Unwinder {
            tables,
            tables_address: TABLES,
            text: TEXT,
            read,
        };
        let mut registers = Registers::at(rip, exact);
        registers.set(X86_64::RSP, stack);
        registers.set(X86_64::RBX, 0x1111);
        registers.set(X86_64::RBP, 0x2222);
        unwinder.caller(&registers)
    }

    #[test]
    fn caller_is_found_by_the_tables() {
        let caller = caller(&tables(), FUNCTION + 0x20, false, 0x8000).expect("a caller");
        assert_eq!((caller.rip, caller.exact), (0x2abc, false));
        assert_eq!(caller.get(X86_64::RSP), 0x8030);
        assert_eq!(caller.get(X86_64::RBX), 0xbbbb);
        assert_eq!(caller.get(X86_64::RBP), 0x2222);
    }

    #[test]
    fn exact_address_counts_where_the_frame_changes() {
        // Interrupted at the very first instruction, only the return address is there.
        let first = caller(&tables(), FUNCTION, true, 0x8028).expect("a caller");
        assert_eq!((first.rip, first.get(X86_64::RSP)), (0x2abc, 0x8030));
        assert_eq!(first.get(X86_64::RBX), 0x1111);
        // A return address at +5 belongs to the call before it.
        let called = caller(&tables(), FUNCTION + 5, false, 0x8020).expect("a caller");
        assert_eq!((called.rip, called.get(X86_64::RBX)), (0x2abc, 0xbbbb));
    }

    #[test]
    fn interrupted_code_without_table_is_a_leaf() {
        let found = caller(&tables(), 0x2f00, true, 0x8028).expect("a caller");
        assert_eq!((found.rip, found.get(X86_64::RSP)), (0x2abc, 0x8030));
        assert_eq!(caller(&tables(), 0x2f00, false, 0x8028), None);
        // A call to a wrong address.
        let found = caller(&tables(), 0, true, 0x8028).expect("a caller");
        assert_eq!(found.rip, 0x2abc);
    }

    #[test]
    fn corrupt_stacks_end_the_walk() {
        // Not mapped, no return address into code, at the end of the address space.
        for stack in [0x1234, 0x7ff8, 0x8008, 0x80f8, u64::MAX - 7, u64::MAX - 48] {
            assert_eq!(
                caller(&tables(), FUNCTION + 0x20, false, stack),
                None,
                "{stack:#x}"
            );
            assert_eq!(caller(&tables(), 0, true, stack), None, "{stack:#x}");
        }
    }

    proptest! {
        #[test]
        fn any_tables_and_registers_are_borne(
            bytes: Vec<u8>,
            cut in 0..60_usize,
            rip: u64,
            exact: bool,
            stack: u64,
        ) {
            caller(&bytes, rip, exact, stack);
            let mut bytes = tables();
            bytes.truncate(cut);
            caller(&bytes, FUNCTION + 0x20, exact, 0x8000);
        }

        #[test]
        fn damaged_tables_are_borne(place in 0..70_usize, value: u8, rip in 0x2000..0x2100_u64) {
            let mut bytes = tables();
            if let Some(byte) = bytes.get_mut(place) {
                *byte = value;
            }
            caller(&bytes, rip, false, 0x8000);
        }
    }
}
