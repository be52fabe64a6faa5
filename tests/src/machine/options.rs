//! How a machine is to be made.

use super::{CAPTURE, Machine, console_backend};
use crate::monitor::Monitor;
use crate::script;
use crate::services::{Forward, Protocol};
use crate::wire::Wire;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The script's option for GRUB's image.
const ISO: &str = "--iso";

/// What the card is plugged into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Network {
    /// No card at all.
    None,
    /// Raw frames, from and to the test.
    Wire,
    /// Any other backend of QEMU's.
    Backend(String),
    /// QEMU's user networking, with these guest ports reachable from the host.
    User(Vec<(Protocol, u16)>),
}

/// How a machine is to be made.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is chosen by itself, by a method of its own"
)]
pub struct Options {
    arguments: Vec<OsString>,
    append: Vec<String>,
    pub(super) network: Network,
    reboot: bool,
    recorded: bool,
    pub(super) alone: bool,
    /// Cards beside the first, each with a wire of its own: what stands before the backend in the script's option.
    added: Vec<String>,
    monitor: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// A `pc` with 128 MiB, an `ne2k_isa` at interrupt line 9 and user networking without forwarded ports.
    pub fn new() -> Self {
        Self {
            arguments: Vec::new(),
            append: Vec::new(),
            network: Network::User(Vec::new()),
            reboot: false,
            recorded: true,
            alone: false,
            added: Vec::new(),
            monitor: false,
        }
    }

    /// A machine of QEMU's: `q35`, `isapc`, `microvm` ...
    #[must_use]
    pub fn machine(self, name: &str) -> Self {
        self.option("--machine", name)
    }

    /// The size of RAM: `16M`.
    #[must_use]
    pub fn memory(self, size: &str) -> Self {
        self.option("--memory", size)
    }

    /// The interrupt line of the ISA card.
    #[must_use]
    pub fn irq(self, line: u8) -> Self {
        self.option("--irq", line.to_string())
    }

    /// The first I/O port of the ISA card.
    #[must_use]
    pub fn port(self, port: u16) -> Self {
        self.option("--port", format!("{port:#x}"))
    }

    /// `ne2k_pci` instead of `ne2k_isa`.
    #[must_use]
    pub fn pci(mut self) -> Self {
        self.arguments.push("--pci".into());
        self
    }

    /// Another word on the kernel's command line.
    #[must_use]
    pub fn append(mut self, word: &str) -> Self {
        self.append.push(word.to_owned());
        self
    }

    /// Another kernel image; `none` for no kernel at all.
    #[must_use]
    pub fn kernel(self, image: impl AsRef<OsStr>) -> Self {
        self.option("--kernel", image)
    }

    /// GRUB and the ISO image instead of QEMU's own loader.
    #[must_use]
    pub fn iso(mut self) -> Self {
        self.arguments.push(ISO.into());
        self
    }

    /// A card without a cable's other end is still a card; this takes it out.
    #[must_use]
    pub fn no_card(mut self) -> Self {
        self.network = Network::None;
        self
    }

    /// The card's cable ends in the test.
    #[must_use]
    pub fn wire(mut self) -> Self {
        self.network = Network::Wire;
        self
    }

    /// Another ISA card, whose cable ends in the test, too.
    #[must_use]
    pub fn add_isa(mut self, port: u16, line: u8) -> Self {
        self.added.push(format!("isa,{port:#x},{line}"));
        self
    }

    /// Another card, on the PCI bus, whose cable ends in the test, too.
    #[must_use]
    pub fn add_pci(mut self) -> Self {
        self.added.push("pci".to_owned());
        self
    }

    /// The card's cable ends in this backend of QEMU's: `tap,ifname=tap0`.
    #[must_use]
    pub fn backend(mut self, backend: &str) -> Self {
        self.network = Network::Backend(backend.to_owned());
        self
    }

    /// Makes a guest port reachable from the host through user networking; see [`Machine::forward`].
    #[must_use]
    pub fn forward(mut self, protocol: Protocol, guest_port: u16) -> Self {
        match &mut self.network {
            Network::User(ports) => ports.push((protocol, guest_port)),
            other => *other = Network::User(vec![(protocol, guest_port)]),
        }
        self
    }

    /// Keeps no capture of the frames, which costs QEMU time for each of them.
    #[must_use]
    pub fn unrecorded(mut self) -> Self {
        self.recorded = false;
        self
    }

    /// Runs while no other machine of this process does, for what depends on time.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    /// A second serial port, whose output goes into this file.
    #[must_use]
    pub fn second_serial(self, file: &Path) -> Self {
        self.option("--capture", file)
    }

    /// Gives access to QEMU's monitor; see [`Machine::monitor`].
    #[must_use]
    pub fn monitored(mut self) -> Self {
        self.monitor = true;
        self
    }

    /// Lets the guest reset the machine; otherwise that ends QEMU.
    #[must_use]
    pub fn allow_reboot(mut self) -> Self {
        self.reboot = true;
        self
    }

    /// Starts QEMU. The guest is not waited for.
    ///
    /// # Panics
    /// When QEMU cannot be started or does not open the console.
    #[track_caller]
    pub fn start(self) -> Machine {
        script::build();
        if self.arguments.iter().any(|option| option == ISO) {
            script::make_iso();
        }
        Machine::start(&self)
    }

    /// Starts QEMU and waits for the guest's prompt.
    ///
    /// # Panics
    /// When there is no prompt in time.
    #[track_caller]
    pub fn boot(self) -> Machine {
        let mut machine = self.start();
        machine.console.wait_for_prompt();
        machine
    }

    fn option(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.arguments.push(name.into());
        self.arguments.push(value.as_ref().to_owned());
        self
    }

    /// How many cables end in the test.
    pub(super) fn wires(&self) -> usize {
        usize::from(self.network == Network::Wire) + self.added.len()
    }

    /// The script's options for a machine whose files lie in `folder`.
    pub(super) fn script_options(&self, folder: &Path, forwards: &[Forward]) -> Vec<OsString> {
        let mut options = self.arguments.clone();
        let mut option = |name: &str, value: OsString| options.extend([name.into(), value]);
        option("--serial", console_backend(folder));
        option("--hostfwd", "none".into());
        match &self.network {
            Network::None => option("--net", "none".into()),
            Network::Wire => option("--net", Wire::backend(folder, 0)),
            Network::Backend(backend) => option("--net", backend.into()),
            // Not `restrict`: that drops the guest's answers to forwarded datagrams, too.
            Network::User(_) => option("--net", "user".into()),
        }
        for forward in forwards {
            option("--hostfwd", forward.rule().into());
        }
        for (number, spec) in (1..).zip(&self.added) {
            let mut card = OsString::from(format!("{spec},"));
            card.push(Wire::backend(folder, number));
            option("--add-card", card);
        }
        if self.recorded && self.network != Network::None {
            option("--pcap", folder.join(CAPTURE).into());
        }
        if !self.append.is_empty() {
            option("--append", self.append.join(" ").into());
        }
        if !self.reboot {
            options.push("--no-reboot".into());
        }
        if self.monitor {
            options.extend(["--".into(), "-monitor".into(), Monitor::backend(folder)]);
        }
        options
    }
}
