//! An intermediate driver as a whole: its registration, and where its adapters stand.

use alloc::boxed::Box;
use alloc::vec::Vec;

use ndis::{
    AdapterHandle, BindingHandle, Medium, MiniportCharacteristics, Ndis, NdisStatus, Oid,
    PROTOCOL_OPTION_NO_LOOPBACK, PacketPool, ProtocolCharacteristics, ProtocolHandle, Resources,
};
use spin::Once;

use super::edge::Edge;
use super::protocol::Lower;
use super::{EdgeCounters, PacketHandler, miniport, protocol};

/// The media a filter can stand on: those whose frames are Ethernet's.
pub(super) const MEDIA: [Medium; 2] = [Medium::Ieee802_3, Medium::Loopback];

/// Most counters of a handler that are told.
const MAXIMUM_COUNTERS: usize = 48;

/// An intermediate driver with handlers of one kind.
pub(crate) struct Driver<H: PacketHandler> {
    ndis: &'static Ndis,
    edges: Box<[Edge<H>]>,
    protocol: Once<ProtocolHandle<Lower<H>>>,
}

/// Where a filter stands, and what its edges counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EdgeReport {
    pub(crate) name: &'static str,
    pub(crate) below: Option<&'static str>,
    pub(crate) is_running: bool,
    pub(crate) counters: EdgeCounters,
}

impl<H: PacketHandler> Driver<H> {
    /// Registers the driver and adds an adapter for each of `names`. At start: it allocates.
    ///
    /// # Errors
    /// A table of the wrapper or the executive is full.
    pub(crate) fn new(
        ndis: &'static Ndis,
        pool: &'static PacketPool,
        name: &'static str,
        names: &[&'static str],
        mut make: impl FnMut() -> H,
    ) -> Result<&'static Self, NdisStatus> {
        // No more packets than the pool has can wait.
        let waiting = pool.usage().packets.size;
        let edges = names
            .iter()
            .map(|_| Edge::new(ndis, pool, make(), waiting as usize));
        let driver: &'static Self = Box::leak(Box::new(Self {
            ndis,
            edges: edges.collect::<Vec<_>>().into(),
            protocol: Once::new(),
        }));
        let table = miniport::characteristics::<H>();
        let length = MiniportCharacteristics::<miniport::Upper<H>>::LENGTH_4;
        let miniport = ndis.register_miniport(name, &table, length, driver)?;
        for (edge, section) in driver.edges.iter().zip(names) {
            let upper = ndis.add_device(miniport, section, Resources::internal())?;
            edge.complete(upper)?;
        }
        let table = protocol::characteristics::<H>();
        let length = ProtocolCharacteristics::<Lower<H>>::LENGTH_4;
        let registered = ndis.register_protocol(name, &table, length, driver)?;
        ndis.associate_miniport(&miniport, &registered)?;
        driver.protocol.call_once(|| registered);
        Ok(driver)
    }

    /// The edge of the virtual adapter called `name`, compared without regard to case.
    pub(super) fn edge(&'static self, name: &str) -> Option<&'static Edge<H>> {
        self.edges
            .iter()
            .find(|edge| edge.name().eq_ignore_ascii_case(name))
    }

    /// Looks at the handler of a filter, or changes its settings, at Dispatch; `None` when there
    /// is no such filter.
    pub(crate) fn with_handler<R>(
        &'static self,
        name: &str,
        look: impl FnOnce(&mut H) -> R,
    ) -> Option<R> {
        self.edge(name)?.with_handler(look)
    }

    /// The adapter that a filter stands on has started: so does the filter. Passive.
    pub(super) fn bind(&'static self, adapter: AdapterHandle) -> NdisStatus {
        let above = adapter.covered_by();
        let edge = above.and_then(|upper| self.edge(upper.name()));
        match edge {
            None => NdisStatus::NOT_ACCEPTED,
            Some(edge) => self
                .stand(edge, adapter)
                .err()
                .unwrap_or(NdisStatus::SUCCESS),
        }
    }

    /// Opens the adapter below and starts the virtual one above it.
    fn stand(
        &'static self,
        edge: &'static Edge<H>,
        adapter: AdapterHandle,
    ) -> Result<(), NdisStatus> {
        let upper = edge.upper().ok_or(NdisStatus::ADAPTER_NOT_FOUND)?;
        let protocol = self.protocol.get().ok_or(NdisStatus::ADAPTER_NOT_READY)?;
        let lower = self.ndis.open_adapter(protocol, &adapter, &MEDIA, edge)?;
        edge.open(lower);
        let inserted = self
            .refuse_loopback(&lower)
            .and_then(|()| self.ndis.insert_above(upper, &lower));
        if inserted.is_err() {
            edge.close();
        }
        inserted
    }

    /// The virtual adapter's protocols get their own packets back from the wrapper there, and not
    /// once more from below.
    fn refuse_loopback(&'static self, lower: &BindingHandle) -> Result<(), NdisStatus> {
        let options = PROTOCOL_OPTION_NO_LOOPBACK.to_le_bytes();
        match self
            .ndis
            .set_information(lower, Oid::GEN_PROTOCOL_OPTIONS, &options)
        {
            Ok(()) | Err(NdisStatus::PENDING) => Ok(()),
            Err(status) => Err(status),
        }
    }
}

/// A driver without the type of its handlers.
pub(crate) trait FilterDriver: Sync {
    /// Puts a filter that is not in use directly above `adapter`; `None` when all are in use.
    /// Passive.
    fn insert(&'static self, adapter: AdapterHandle) -> Option<Result<&'static str, NdisStatus>>;

    /// Takes a filter out; `None` when there is no such filter, ADAPTER_NOT_OPEN when it is not in
    /// use. Passive.
    fn remove(&'static self, name: &str) -> Option<Result<(), NdisStatus>>;

    /// A filter by its number, from 0.
    fn report(&self, index: usize) -> Option<EdgeReport>;

    /// Names and tells what a handler counts; `None` when there is no such filter.
    fn visit_counters(
        &'static self,
        name: &str,
        each: &mut dyn FnMut(&'static str, u64),
    ) -> Option<()>;
}

impl<H: PacketHandler> FilterDriver for Driver<H> {
    fn insert(&'static self, adapter: AdapterHandle) -> Option<Result<&'static str, NdisStatus>> {
        let edge = self.edges.iter().find(|edge| edge.claim())?;
        let stands = self.stand(edge, adapter);
        if stands.is_err() {
            edge.release();
        }
        Some(stands.map(|()| edge.name()))
    }

    fn remove(&'static self, name: &str) -> Option<Result<(), NdisStatus>> {
        let edge = self.edge(name)?;
        let upper = edge.upper()?;
        if edge.below().is_none() {
            return Some(Err(NdisStatus::ADAPTER_NOT_OPEN));
        }
        let removed = self.ndis.remove_from_stack(upper);
        if removed.is_ok() {
            edge.close();
            edge.release();
        }
        Some(removed)
    }

    fn report(&self, index: usize) -> Option<EdgeReport> {
        let edge = self.edges.get(index)?;
        Some(EdgeReport {
            name: edge.name(),
            below: edge.below().map(|below| below.name()),
            is_running: edge.lower().is_some(),
            counters: edge.snapshot(),
        })
    }

    fn visit_counters(
        &'static self,
        name: &str,
        each: &mut dyn FnMut(&'static str, u64),
    ) -> Option<()> {
        let mut values = heapless::Vec::<_, MAXIMUM_COUNTERS>::new();
        self.with_handler(name, |handler| {
            handler.counters(&mut |counter, value| {
                // A handler has fewer.
                let _ = values.push((counter, value));
            });
        })?;
        values
            .into_iter()
            .for_each(|(counter, value)| each(counter, value));
        Some(())
    }
}
