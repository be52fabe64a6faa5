//! PCI devices, by configuration mechanism 1 (PCI Local Bus Specification 3.0, section
//! 3.2.2.3.2).

use heapless::Vec;
use pci_types::{
    CommandRegister, ConfigRegionAccess, EndpointHeader, HeaderType, PciAddress, PciHeader,
    PciPciBridgeHeader,
};
use x86_64::instructions::port::Port;

use super::lock::InterruptsDisabled;

/// The address port and the data port.
const ADDRESS: u16 = 0xcf8;
const DATA: u16 = 0xcfc;

/// Address port: the data port reads and writes configuration space.
const ENABLE: u32 = 1 << 31;

/// First base address register.
const BASE_ADDRESS_0: u16 = 0x10;
/// Base address register: it is one of I/O ports.
const IO_SPACE: u32 = 1;

/// Most buses that are looked at.
const MAX_BUSES: usize = 16;

/// Vendor identifier where there is no device.
const NO_DEVICE: u16 = 0xffff;

/// A device that is driven through I/O ports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PciDevice {
    /// Bus, device and function.
    pub(crate) address: PciAddress,
    /// Vendor identifier.
    pub(crate) vendor: u16,
    /// Device identifier.
    pub(crate) device: u16,
    /// First I/O port of the first base address register.
    pub(crate) port: u16,
    /// The interrupt line that the firmware has routed it to.
    pub(crate) interrupt: Option<u8>,
}

/// Access to configuration space.
struct Configuration;

impl Configuration {
    /// Selects a double word, and does something with the data port.
    fn select<R>(address: PciAddress, offset: u16, access: impl FnOnce(Port<u32>) -> R) -> R {
        let selector = ENABLE
            | u32::from(address.bus()) << 16
            | u32::from(address.device()) << 11
            | u32::from(address.function()) << 8
            | u32::from(offset & 0xfc);
        let _disabled = InterruptsDisabled::enter();
        // SAFETY: selecting changes nothing, and nobody comes in between.
        unsafe { Port::new(ADDRESS).write(selector) };
        access(Port::new(DATA))
    }

    /// Whether there is a PCI bus with this mechanism at all.
    fn exists() -> bool {
        let mut port = Port::<u32>::new(ADDRESS);
        // SAFETY: selecting changes nothing.
        unsafe {
            port.write(ENABLE);
            port.read() == ENABLE
        }
    }
}

impl ConfigRegionAccess for Configuration {
    unsafe fn read(&self, address: PciAddress, offset: u16) -> u32 {
        // SAFETY: the caller's word.
        Self::select(address, offset, |mut data| unsafe { data.read() })
    }

    unsafe fn write(&self, address: PciAddress, offset: u16, value: u32) {
        // SAFETY: the caller's word.
        Self::select(address, offset, |mut data| unsafe { data.write(value) });
    }
}

/// Calls `each` for every device whose first base address register is one of I/O ports,
/// with its ports enabled if `each` answers true.
pub(crate) fn devices(mut each: impl FnMut(&PciDevice) -> bool) {
    if !Configuration::exists() {
        return;
    }
    let mut buses: Vec<u8, MAX_BUSES> = Vec::new();
    // There is room for the first bus.
    let _ = buses.push(0);
    let mut next = 0;
    while let Some(&bus) = buses.get(next) {
        next += 1;
        for device in 0..32 {
            for function in 0..functions(bus, device) {
                let header = PciHeader::new(PciAddress::new(0, bus, device, function));
                if header.id(Configuration).0 == NO_DEVICE {
                    continue;
                }
                if let Some(behind) = bus_behind(&header)
                    && !buses.contains(&behind)
                {
                    // Buses beyond the most are not looked at.
                    let _ = buses.push(behind);
                }
                look_at(header, &mut each);
            }
        }
    }
}

/// How many functions a device may have: 0, 1 or 8.
fn functions(bus: u8, device: u8) -> u8 {
    let header = PciHeader::new(PciAddress::new(0, bus, device, 0));
    if header.id(Configuration).0 == NO_DEVICE {
        0
    } else if header.has_multiple_functions(Configuration) {
        8
    } else {
        1
    }
}

/// The bus behind a bridge.
fn bus_behind(header: &PciHeader) -> Option<u8> {
    if header.header_type(Configuration) != HeaderType::PciPciBridge {
        return None;
    }
    let bridge = PciPciBridgeHeader::from_header(PciHeader::new(header.address()), Configuration)?;
    Some(bridge.secondary_bus_number(Configuration))
}

fn look_at(header: PciHeader, each: &mut impl FnMut(&PciDevice) -> bool) {
    let address = header.address();
    let (vendor, device) = header.id(Configuration);
    let Some(mut endpoint) = EndpointHeader::from_header(header, Configuration) else {
        return;
    };
    // SAFETY: every endpoint has the register.
    let base = unsafe { Configuration.read(address, BASE_ADDRESS_0) };
    let port = u16::try_from(base & !3).unwrap_or(0);
    if base & IO_SPACE == 0 || port == 0 {
        return;
    }
    let (_, line) = endpoint.interrupt(Configuration);
    let found = PciDevice {
        address,
        vendor,
        device,
        port,
        interrupt: (1..16).contains(&line).then_some(line),
    };
    if each(&found) {
        endpoint.update_command(Configuration, |command| {
            command | CommandRegister::IO_ENABLE
        });
    }
}
