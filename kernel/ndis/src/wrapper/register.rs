//! Registering miniports and protocols, adding devices.

use alloc::boxed::Box;
use core::sync::atomic::{AtomicBool, Ordering};

use super::Ndis;
use crate::adapter::{Adapter, AdapterHandle};
use crate::binding::{BindingHandle, Target};
use crate::miniport::{
    ErasedDriver, MiniportBlock, MiniportCharacteristics, MiniportDriver, Resources,
};
use crate::protocol::{
    Contexts, ErasedProtocol, PnpEvent, ProtocolBlock, ProtocolCharacteristics, ProtocolDriver,
    ProtocolHandle,
};
use crate::status::NdisStatus;

/// A registered miniport driver.
#[derive(Clone, Copy)]
pub struct MiniportHandle(&'static dyn ErasedDriver);

impl MiniportHandle {
    /// The driver's name.
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Whether `adapter` is the driver's.
    pub(super) fn is_of(&self, adapter: &Adapter) -> bool {
        core::ptr::addr_eq(self.0, adapter.driver)
    }

    /// The NDIS version of its table, major and minor.
    pub fn version(&self) -> (u8, u8) {
        self.0.version()
    }
}

impl Ndis {
    /// Registers a miniport driver; `length` is that of the table in bytes (seed items 1, 2, 6).
    /// `driver` is given to Initialize of every adapter. Passive, at start.
    ///
    /// From here on the wrapper owns the entry points of the driver's devices (seed item 7): see
    /// [`Ndis::dispatch`].
    ///
    /// # Errors
    /// BAD_VERSION unless the version is 3, 4 or 5; BAD_CHARACTERISTICS for a table too short for
    /// it or without a mandatory handler; RESOURCES when the table of miniports is full.
    pub fn register_miniport<D: MiniportDriver>(
        &'static self,
        name: &'static str,
        characteristics: &MiniportCharacteristics<D>,
        length: usize,
        driver: D::Driver,
    ) -> Result<MiniportHandle, NdisStatus> {
        let characteristics = characteristics.checked(length)?;
        if !self.miniports.has_room() {
            return Err(NdisStatus::RESOURCES);
        }
        let block: &'static dyn ErasedDriver = Box::leak(Box::new(MiniportBlock {
            name,
            characteristics,
            driver,
        }));
        self.miniports.push(block).ok_or(NdisStatus::RESOURCES)?;
        let (major, minor) = block.version();
        log::info!(target: "ndis", "miniport {name} registered, NDIS {major}.{minor}");
        Ok(MiniportHandle(block))
    }

    /// Makes the adapter object of a device, with its keys in `section` of the configuration
    /// (seed item 8). Its name is the value of the key `Export` there, else the section's name.
    /// Passive, at start.
    ///
    /// # Errors
    /// RESOURCES when a table is full, FAILURE when there is an adapter of that name.
    pub fn add_device(
        &'static self,
        miniport: MiniportHandle,
        section: &'static str,
        resources: Resources,
    ) -> Result<AdapterHandle, NdisStatus> {
        let exported = self.configuration().get(section, "Export");
        let name = exported
            .map(device_name)
            .filter(|name| !name.is_empty())
            .unwrap_or(section);
        if self.adapter(name).is_some() {
            return Err(NdisStatus::FAILURE);
        }
        let make = |place| Adapter::new(self, place, miniport.0, name, section, resources);
        let adapter = self.adapters.push_with(make).ok_or(NdisStatus::RESOURCES)?;
        let adapter = adapter.map_err(|_| NdisStatus::RESOURCES)?;
        Ok(AdapterHandle(adapter))
    }

    /// Registers a protocol; `length` is that of the table in bytes (seed items 1, 2). Passive,
    /// at start.
    ///
    /// Its handle exists before it is bound (seed item 3). It is bound to every adapter that is
    /// started and in its bind list, is told that the binds are complete, and then joins the
    /// global list (seed item 4), so that adapters started later are bound to it.
    ///
    /// # Errors
    /// BAD_VERSION unless the version is 3, 4 or 5; BAD_CHARACTERISTICS for a table too short for
    /// it; FAILURE when there is a protocol of that name; RESOURCES when the table of protocols is
    /// full. A protocol that is not registered is not in the global list.
    pub fn register_protocol<P: ProtocolDriver>(
        &'static self,
        name: &'static str,
        characteristics: &ProtocolCharacteristics<P>,
        length: usize,
        protocol: P::Protocol,
    ) -> Result<ProtocolHandle<P>, NdisStatus> {
        let characteristics = characteristics.checked(length)?;
        if self
            .registered_protocols()
            .any(|other| other.name().eq_ignore_ascii_case(name))
        {
            return Err(NdisStatus::FAILURE);
        }
        if !self.protocols.has_room() {
            return Err(NdisStatus::RESOURCES);
        }
        let index = self.next_protocol.fetch_add(1, Ordering::Relaxed);
        let block: &'static ProtocolBlock<P> = Box::leak(Box::new(ProtocolBlock {
            ndis: self,
            name,
            characteristics,
            protocol,
            index,
            is_registered: AtomicBool::new(true),
            contexts: Contexts::new(2 * self.limits.bindings),
        }));
        self.bind_protocol(block);
        block.pnp_event(None, PnpEvent::BindsComplete);
        self.protocols.push(block).ok_or(NdisStatus::RESOURCES)?;
        // An adapter that another thread started meanwhile found no such protocol in the list.
        self.bind_protocol(block);
        let (major, minor) = block.version();
        log::info!(target: "ndis", "protocol {name} registered, NDIS {major}.{minor}");
        Ok(ProtocolHandle(block))
    }

    /// Takes a protocol off the global list, closes its bindings, waits for their pending
    /// operations and calls Unload. Its place in the table is not used again. Passive.
    ///
    /// # Errors
    /// FAILURE when it is not registered, CLOSING when a binding still had operations pending
    /// after ten seconds; Unload is not called then.
    pub fn deregister_protocol<P: ProtocolDriver>(
        &'static self,
        handle: &ProtocolHandle<P>,
    ) -> Result<(), NdisStatus> {
        if !handle.0.is_registered.swap(false, Ordering::Relaxed) {
            return Err(NdisStatus::FAILURE);
        }
        for binding in &self.bindings {
            let is_of_protocol = |target: &Target| target.bound.protocol.index() == handle.0.index;
            let Some(target) = binding.any_target().filter(is_of_protocol) else {
                continue;
            };
            self.remove_above(&BindingHandle::of(&target));
            target.adapter.unbind_one(&target.bound);
            let is_closed = || binding.target(target.bound.sender.generation).is_none();
            if !target.adapter.wait_until_closed(is_closed) {
                return Err(NdisStatus::CLOSING);
            }
        }
        handle.0.unload();
        Ok(())
    }
}

/// An adapter's name without the directory of devices in front of it.
pub(super) fn device_name(name: &str) -> &str {
    let name = name.trim();
    name.strip_prefix("\\Device\\").unwrap_or(name)
}
