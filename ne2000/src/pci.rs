//! PCI cards that are NE2000s in all but the bus.
//!
//! The identifiers and their traits are those of Linux' ne2k-pci driver's
//! device table.

use crate::identify::Limits;

/// A kind of PCI card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PciCard {
    /// PCI vendor identifier.
    pub vendor: u16,
    /// PCI device identifier.
    pub device: u16,
    /// What it is called.
    pub name: &'static str,
    /// What it can't do.
    pub limits: Limits,
}

const fn card(vendor: u16, device: u16, name: &'static str, limits: Limits) -> PciCard {
    PciCard {
        vendor,
        device,
        name,
        limits,
    }
}

/// Every kind of PCI card this driver drives. Their ports are in the first base
/// address register.
pub const PCI_CARDS: [PciCard; 12] = [
    card(0x10EC, 0x8029, "Realtek RTL8029", Limits::NONE),
    card(0x1050, 0x0940, "Winbond 89C940", Limits::NONE),
    card(0x1050, 0x5A5A, "Winbond 89C940F", Limits::NONE),
    card(0x11F6, 0x1401, "Compex RL2000", Limits::NONE),
    card(0x8E2E, 0x3000, "KTI ET32P2", Limits::NONE),
    card(0x4A14, 0x5000, "NetVin NV5000SC", Limits::NONE),
    card(0x1106, 0x0926, "VIA 86C926", Limits::ONLY_16_BIT),
    card(0x10BD, 0x0E34, "SureCom NE34", Limits::NONE),
    card(0x12C3, 0x0058, "Holtek HT80232", Limits::ONLY_16_BIT),
    card(
        0x12C3,
        0x5598,
        "Holtek HT80229",
        Limits::ONLY_32_BIT_TO_PAGE_60,
    ),
    card(
        0x8C4A,
        0x1980,
        "Winbond 89C940 (misprogrammed)",
        Limits::NONE,
    ),
    card(0x1186, 0x0300, "D-Link DE-528", Limits::NONE),
];

/// The kind of card with these identifiers, if this driver drives it.
pub fn find(vendor: u16, device: u16) -> Option<&'static PciCard> {
    PCI_CARDS
        .iter()
        .find(|card| (card.vendor, card.device) == (vendor, device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qemu_card_is_found_and_others_are_not() {
        assert_eq!(
            find(0x10EC, 0x8029).map(|card| card.name),
            Some("Realtek RTL8029")
        );
        assert_eq!(find(0x10EC, 0x8139), None);
    }
}
