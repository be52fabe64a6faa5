//! An intermediate driver.

mod edges;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use std::sync::Mutex;

use executive::Irql;

use super::lock;
use crate::{
    AdapterContext, AdapterHandle, AdapterState, BindingHandle, MiniportCharacteristics,
    MiniportDriver, MiniportHandle, Ndis, NdisStatus, Packet, PacketPool, ProtocolCharacteristics,
    ProtocolDriver, ProtocolHandle, ReceiveContext, RequestKind, Resources,
};
use edges::{miniport_table, protocol_table};

/// What an instance does with packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Passes them on at once, without a copy; a send is pending while it is below.
    Through,
    /// Keeps them until [`Filter::release`], or until it is taken out.
    Hold,
}

/// The instances of a driver, by which its handlers find theirs.
pub struct FilterDriver {
    ndis: &'static Ndis,
    pool: &'static PacketPool,
    miniport: MiniportHandle,
    protocol: ProtocolHandle<Edges>,
    instances: &'static Instances,
}

type Instances = Mutex<Vec<&'static Filter>>;

/// An instance: a binding below, an adapter above.
pub struct Filter {
    ndis: &'static Ndis,
    pool: &'static PacketPool,
    upper: AdapterHandle,
    lower: Mutex<Option<BindingHandle>>,
    state: Mutex<State>,
}

struct State {
    way: Way,
    /// Packets on their way down, and up.
    down: VecDeque<Packet>,
    up: VecDeque<Packet>,
    /// Packets of which a share is being sent below.
    waiting: Vec<(u64, Packet)>,
    /// What the requests pending below do, in order; `None` for one that was given up above.
    requests: VecDeque<Option<RequestKind>>,
    /// Frames there was no packet for.
    dropped: usize,
    /// The binding below is being closed; until it is, what is pending there comes back.
    is_closing: bool,
}

/// The driver's types.
struct Edges;

impl MiniportDriver for Edges {
    type Driver = &'static Instances;
    type Adapter = &'static Filter;
    type Interrupt = ();
}

impl ProtocolDriver for Edges {
    type Protocol = &'static Instances;
    type Binding = Filter;
}

impl FilterDriver {
    /// Registers both halves.
    ///
    /// # Errors
    /// What registering answered.
    pub fn register(
        ndis: &'static Ndis,
        name: &'static str,
        pool: &'static PacketPool,
    ) -> Result<Self, NdisStatus> {
        let instances: &'static Instances = Box::leak(Box::default());
        let length = MiniportCharacteristics::<Edges>::LENGTH_5;
        let miniport = ndis.register_miniport(name, &miniport_table(), length, instances)?;
        let length = ProtocolCharacteristics::<Edges>::LENGTH_5;
        let protocol = ndis.register_protocol(name, &protocol_table(), length, instances)?;
        ndis.associate_miniport(&miniport, &protocol)?;
        Ok(Self {
            ndis,
            pool,
            miniport,
            protocol,
            instances,
        })
    }

    /// Adds the adapter of an instance.
    ///
    /// # Errors
    /// What adding the device answered.
    pub fn add(&self, name: &'static str) -> Result<&'static Filter, NdisStatus> {
        let upper = self
            .ndis
            .add_device(self.miniport, name, Resources::internal())?;
        let filter: &'static Filter = Box::leak(Box::new(Filter {
            ndis: self.ndis,
            pool: self.pool,
            upper,
            lower: Mutex::new(None),
            state: Mutex::new(State {
                way: Way::Through,
                down: VecDeque::new(),
                up: VecDeque::new(),
                waiting: Vec::new(),
                requests: VecDeque::new(),
                dropped: 0,
                is_closing: false,
            }),
        }));
        lock(self.instances).push(filter);
        Ok(filter)
    }

    /// Puts an instance above `below`.
    ///
    /// # Errors
    /// What opening the adapter below or the insertion answered.
    pub fn insert(&self, filter: &'static Filter, below: &AdapterHandle) -> Result<(), NdisStatus> {
        filter.insert(self.protocol, *below)
    }

    /// Takes the driver out of every stack and off the list of protocols.
    ///
    /// # Errors
    /// What deregistering the protocol answered.
    pub fn deregister(&self) -> Result<(), NdisStatus> {
        self.ndis.deregister_protocol(&self.protocol)
    }
}

impl Filter {
    /// Its adapter.
    pub fn adapter(&self) -> AdapterHandle {
        self.upper
    }

    /// Its binding to the adapter below, while it has one.
    pub fn lower(&self) -> Option<BindingHandle> {
        *lock(&self.lower)
    }

    /// Frames there was no packet for since the last call.
    pub fn take_dropped(&self) -> usize {
        core::mem::take(&mut lock(&self.state).dropped)
    }

    fn insert(
        &'static self,
        protocol: ProtocolHandle<Edges>,
        below: AdapterHandle,
    ) -> Result<(), NdisStatus> {
        let state = self.upper.state();
        let is_halted = matches!(state, AdapterState::Added | AdapterState::Halted);
        if !is_halted || lock(&self.state).is_closing {
            return Err(NdisStatus::ADAPTER_NOT_READY);
        }
        let media = [below.medium()];
        let lower = self.ndis.open_adapter(&protocol, &below, &media, self)?;
        *lock(&self.lower) = Some(lower);
        let inserted = self.ndis.insert_above(&self.upper, &lower);
        if inserted.is_err() {
            self.close();
        }
        inserted
    }

    /// Takes it out of its stack.
    ///
    /// # Errors
    /// What the wrapper answered.
    pub fn remove(&self) -> Result<(), NdisStatus> {
        self.ndis.remove_from_stack(&self.upper)?;
        self.close();
        Ok(())
    }

    fn close(&self) {
        let Some(lower) = self.lower() else { return };
        let was_closing = core::mem::replace(&mut lock(&self.state).is_closing, true);
        match self.ndis.close_adapter(&lower) {
            NdisStatus::PENDING => {}
            NdisStatus::SUCCESS => self.closed(),
            _ => lock(&self.state).is_closing = was_closing,
        }
    }

    fn closed(&self) {
        let mut state = lock(&self.state);
        state.is_closing = false;
        state.requests.clear();
    }

    /// Sets what it does with packets from now on, and lets those go that it holds.
    pub fn set_way(&'static self, way: Way) {
        // No packet comes between the last one let go and the new way.
        let _raised = self.ndis.executive().raise_irql(Irql::Dispatch);
        lock(&self.state).way = Way::Hold;
        self.release();
        lock(&self.state).way = way;
    }

    /// Lets the packets go that it holds.
    pub fn release(&'static self) {
        self.switch(|context| self.let_go(context));
    }

    fn switch(&self, body: impl FnOnce(&mut AdapterContext)) {
        self.ndis.switch_to_miniport(&self.upper, body);
    }

    fn let_go(&self, context: &mut AdapterContext) {
        loop {
            // No lock is held while a packet is passed on.
            let Some(packet) = lock(&self.state).down.pop_front() else {
                break;
            };
            self.send_share(context, packet);
        }
        loop {
            let Some(packet) = lock(&self.state).up.pop_front() else {
                break;
            };
            context.indicate_packet(packet);
        }
    }

    /// Sends a share of a packet, so that the packet itself can be given back.
    fn send_share(&self, context: &mut AdapterContext, packet: Packet) {
        let (Some(share), Some(lower)) = (packet.share(), self.lower()) else {
            context.send_complete(packet, NdisStatus::RESOURCES);
            return;
        };
        let id = share.info().id;
        lock(&self.state).waiting.push((id, packet));
        let status = self.ndis.send(&lower, share);
        if !status.is_pending() {
            self.complete_share(context, id, status);
        }
    }

    /// Gives back the packet that a share of was sent; false if it is not one.
    fn complete_share(&self, context: &mut AdapterContext, id: u64, status: NdisStatus) -> bool {
        let packet = {
            let mut state = lock(&self.state);
            let place = state.waiting.iter().position(|&(other, _)| other == id);
            place.map(|place| state.waiting.swap_remove(place).1)
        };
        let is_share = packet.is_some();
        if let Some(packet) = packet {
            context.send_complete(packet, status);
        }
        is_share
    }

    /// Keeps a copy of a received frame.
    fn keep(&self, receive: &mut ReceiveContext<'_>, header: &[u8], payload_size: usize) {
        let copy = self.pool.allocate(0).and_then(|mut packet| {
            packet.append_slice(header).then_some(())?;
            receive.transfer(0, packet.append(payload_size)?).ok()?;
            Some(packet)
        });
        let mut state = lock(&self.state);
        match copy {
            Some(packet) => state.up.push_back(packet),
            None => state.dropped += 1,
        }
    }
}
