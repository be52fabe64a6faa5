//! What the wrapper needs of the machine: interrupt lines and the configuration.

use executive::status::NtStatus;

/// The service routine of a connected interrupt line.
pub trait InterruptService: Sync {
    /// Called at Device level for every interrupt on the line.
    ///
    /// Returns whether the interrupt was recognised as one of the device's; on a
    /// shared line the next service is asked when it wasn't.
    fn service(&self) -> bool;
}

/// Interrupt lines of the machine.
pub trait BusPlatform: Sync {
    /// Connects `service` to ISA interrupt `line` (0..=15) and unmasks the line. Passive.
    ///
    /// Errors: INVALID_PARAMETER for a line that does not exist, SHARING_VIOLATION for one
    /// that is connected already unless both agree to share it.
    fn connect_interrupt(
        &self,
        line: u8,
        shared: bool,
        service: &'static dyn InterruptService,
    ) -> NtStatus;

    /// Takes `service` off `line`; masks the line when it was the last. Passive.
    fn disconnect_interrupt(&self, line: u8, service: &'static dyn InterruptService);

    /// Begins to watch the unconnected interrupt lines, to find out which one a card uses. Passive.
    fn begin_interrupt_probe(&self);

    /// Ends the probe: bit n is set if line n fired since it began. Passive.
    fn end_interrupt_probe(&self) -> u16;
}

/// The configuration registry: values by section and key, both compared without regard to case.
///
/// `Ne2000.Port=0x300` is the value `0x300` of the key `Port` in section `Ne2000`.
pub trait Configuration: Sync {
    /// The value, if there is one.
    fn get(&self, section: &str, key: &str) -> Option<&str>;
}
