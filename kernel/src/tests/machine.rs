//! A machine for host tests: the console is plain memory, the card the register
//! model, its interrupt a simulated one.

use std::boxed::Box;
use std::collections::VecDeque;
use std::string::String;
use std::sync::{Arc, Mutex};
use std::vec::Vec;

use executive::simulation::Simulation;
use executive::{Duration, Event, EventKind, Executive, Instant, NtStatus};
use ndis::platform::{BusPlatform, InterruptService};
use ne2000::BusOpener;
use ne2000::model::{CardModel, Configuration};

use crate::machine::{ConsoleEvent, Date, Machine, MemoryFigures, SelfTest, Verdict};
use crate::system::System;
use crate::{Hardware, build};

const LINE: u8 = 9;
/// What the second serial port takes before it is stuck.
const SECOND_PORT_BYTES: usize = 64 * 1024;

/// Console, clock and memory.
pub(crate) struct TestMachine {
    executive: &'static Executive,
    input: Mutex<VecDeque<u8>>,
    arrived: Event,
    output: Mutex<Vec<u8>>,
    second_output: Mutex<Vec<u8>>,
}

impl TestMachine {
    fn new(executive: &'static Executive) -> &'static Self {
        Box::leak(Box::new(Self {
            executive,
            input: Mutex::default(),
            arrived: Event::new(executive, EventKind::Synchronization, false).unwrap(),
            output: Mutex::default(),
            second_output: Mutex::default(),
        }))
    }

    /// What was written since the last look.
    pub(crate) fn take_output(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.output.lock().unwrap())).unwrap()
    }

    /// What was written to the second serial port.
    pub(crate) fn take_second_output(&self) -> Vec<u8> {
        std::mem::take(&mut *self.second_output.lock().unwrap())
    }

    /// Types bytes.
    pub(crate) fn type_bytes(&self, bytes: &[u8]) {
        self.input.lock().unwrap().extend(bytes);
        self.arrived.set();
    }
}

impl Machine for TestMachine {
    fn read_console(&self, buffer: &mut [u8], timeout: Option<Duration>) -> ConsoleEvent {
        loop {
            let count = {
                let mut input = self.input.lock().unwrap();
                let count = input.len().min(buffer.len());
                for (place, byte) in buffer.iter_mut().zip(input.drain(..count)) {
                    *place = byte;
                }
                count
            };
            if count > 0 {
                return ConsoleEvent::Input(count);
            }
            if self.executive.wait(&self.arrived, timeout) == NtStatus::TIMEOUT {
                return ConsoleEvent::TimedOut;
            }
        }
    }

    fn set_line_editing(&self, _editing: bool) {}

    fn write_console(&self, bytes: &[u8]) {
        self.output.lock().unwrap().extend_from_slice(bytes);
    }

    fn has_second_port(&self) -> bool {
        true
    }

    fn write_second_port(&self, bytes: &[u8]) -> usize {
        let mut second = self.second_output.lock().unwrap();
        let room = SECOND_PORT_BYTES.saturating_sub(second.len());
        let taken = bytes.len().min(room);
        second.extend_from_slice(&bytes[..taken]);
        taken
    }

    fn set_log_level(&self, target: Option<&str>, _level: log::LevelFilter) -> bool {
        target.is_none_or(|target| target == "ndis")
    }

    fn log_levels(&self, each: &mut dyn FnMut(&str, log::LevelFilter)) {
        each("ndis", log::LevelFilter::Info);
    }

    fn memory(&self) -> MemoryFigures {
        MemoryFigures::default()
    }

    fn seal_heap(&self) {}

    fn date(&self) -> Option<Date> {
        None
    }

    fn entropy(&self) -> u64 {
        0x5EED
    }

    fn self_tests(&self) -> &'static [SelfTest] {
        &[
            SelfTest {
                name: "good",
                summary: "passes",
                by_default: true,
                run: |_| true,
            },
            SelfTest {
                name: "bad",
                summary: "fails",
                by_default: false,
                run: |_| false,
            },
        ]
    }

    fn power_off(&self, verdict: Verdict) -> ! {
        panic!("powered off: {verdict:?}")
    }

    fn reboot(&self) -> ! {
        panic!("rebooted")
    }

    fn counters(&self, each: &mut dyn FnMut(&str, &str, u64)) {
        each("hal", "interrupts", 1);
    }
}

/// One interrupt line, which the card model drives.
#[derive(Default)]
struct TestBus {
    service: Mutex<Option<&'static dyn InterruptService>>,
}

impl BusPlatform for TestBus {
    fn connect_interrupt(
        &self,
        line: u8,
        _shared: bool,
        service: &'static dyn InterruptService,
    ) -> NtStatus {
        assert_eq!(line, LINE);
        *self.service.lock().unwrap() = Some(service);
        NtStatus::SUCCESS
    }

    fn disconnect_interrupt(&self, _line: u8, _service: &'static dyn InterruptService) {
        *self.service.lock().unwrap() = None;
    }

    fn begin_interrupt_probe(&self) {}

    fn end_interrupt_probe(&self) -> u16 {
        0
    }
}

/// A whole system on a simulated machine with a card model.
pub(crate) struct TestSystem {
    pub(crate) simulation: Arc<Simulation>,
    pub(crate) card: CardModel,
    pub(crate) machine: &'static TestMachine,
    pub(crate) system: &'static System,
}

impl TestSystem {
    /// Builds it with this command line; the gratuitous ARP has left already.
    pub(crate) fn new(seed: u64, command_line: &'static str) -> Self {
        let limits = crate::executive_limits();
        let simulation = Arc::new(Simulation::with_limits(seed, &limits));
        let executive = simulation.executive();
        let machine = TestMachine::new(executive);
        let bus: &'static TestBus = Box::leak(Box::default());
        let card = CardModel::new(Configuration::QEMU);
        connect(&card, bus, &simulation);
        let opened = card.clone();
        let hardware = Hardware {
            machine,
            executive,
            bus,
            opener: BusOpener::new(move |_, _| Some(opened.clone())),
            pci_cards: Vec::new(),
            command_line: command_line.as_bytes(),
        };
        executive.start_workers(1).unwrap();
        let system = simulation.run(move || build(hardware).unwrap());
        Self {
            simulation,
            card,
            machine,
            system,
        }
    }
}

/// The line of an ISA card makes an interrupt with its rising edge.
fn connect(card: &CardModel, bus: &'static TestBus, simulation: &Arc<Simulation>) {
    let simulation = Arc::downgrade(simulation);
    card.set_interrupt_hook(move |level| {
        let Some(simulation) = simulation.upgrade() else {
            return;
        };
        if level {
            simulation.interrupt_at(Instant::ZERO, move || {
                let service = *bus.service.lock().unwrap();
                if let Some(service) = service {
                    service.service();
                }
            });
        }
    });
}
