//! The hardware resources of an adapter (seed item 11).

use core::fmt;

/// What a device is connected to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BusType {
    /// None: a virtual adapter.
    #[default]
    Internal,
    /// ISA.
    Isa,
    /// PCI.
    Pci,
}

impl fmt::Display for BusType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Internal => "internal",
            Self::Isa => "isa",
            Self::Pci => "pci",
        })
    }
}

/// Resources the bus assigned to a device; what it did not assign comes from configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// The bus.
    pub bus: BusType,
    /// First I/O port.
    pub port: Option<u16>,
    /// Interrupt line, 0..=15.
    pub interrupt: Option<u8>,
}

impl Resources {
    /// A virtual adapter's: none.
    pub const fn internal() -> Self {
        Self {
            bus: BusType::Internal,
            port: None,
            interrupt: None,
        }
    }

    /// An ISA card's: the bus assigns nothing.
    pub const fn isa() -> Self {
        Self {
            bus: BusType::Isa,
            port: None,
            interrupt: None,
        }
    }

    /// A PCI card's: both from its configuration space.
    pub const fn pci(port: u16, interrupt: Option<u8>) -> Self {
        Self {
            bus: BusType::Pci,
            port: Some(port),
            interrupt,
        }
    }

    /// Each resource from the bus, else the one given by configuration.
    pub(crate) fn or(self, port: Option<u16>, interrupt: Option<u8>) -> Self {
        Self {
            port: self.port.or(port),
            interrupt: self.interrupt.or(interrupt),
            ..self
        }
    }
}
