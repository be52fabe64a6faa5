//! Intermediate drivers (seed item 58): a protocol edge below, a virtual miniport above.

use std::sync::Mutex;

use ndis::{
    AdapterContext, AdapterHandle, BindingHandle, InitializeContext, Initialized, Medium,
    MiniportCharacteristics, MiniportDriver, MiniportHandle, Ndis, NdisStatus, Oid, Packet,
    PacketFilter, ProtocolCharacteristics, ProtocolDriver, RequestOutcome, ResetOutcome, Resources,
    SendCompletion, SendOutcome,
};

use crate::support::miniport::{Answer, Deferred};
use crate::support::{World, frame, lock, run};

/// The card, and the filters above it.
const NAMES: [&str; 6] = [
    "card0", "filter1", "filter2", "filter3", "filter4", "filter5",
];

/// A filter that passes everything on.
struct Passthrough;

/// One use of the filter: the adapter below it and the virtual one above.
struct Layer {
    ndis: &'static Ndis,
    upper: Mutex<Option<AdapterHandle>>,
    lower: Mutex<Option<BindingHandle>>,
}

impl Layer {
    fn upper(&self) -> AdapterHandle {
        lock(&self.upper).expect("the virtual adapter is added before the lower one is opened")
    }

    fn lower(&self) -> BindingHandle {
        lock(&self.lower).expect("the lower adapter is opened before the virtual one starts")
    }
}

/// The filter's protocol edge.
struct Edge {
    section: &'static str,
    layer: &'static Layer,
    miniport: MiniportHandle,
}

impl MiniportDriver for Passthrough {
    type Driver = &'static Layer;
    type Adapter = &'static Layer;
    type Interrupt = ();
}

impl ProtocolDriver for Passthrough {
    type Protocol = Edge;
    type Binding = Layer;
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the type of the handler")]
fn initialize(
    driver: &&'static Layer,
    _: &mut InitializeContext<'_, Passthrough>,
    media: &[Medium],
) -> Result<Initialized<Passthrough>, NdisStatus> {
    let medium_index = media.iter().position(|&medium| medium == Medium::Ieee802_3);
    let medium_index = medium_index.ok_or(NdisStatus::UNSUPPORTED_MEDIA)?;
    Ok(Initialized {
        adapter: driver,
        medium_index,
    })
}

fn send(layer: &mut &'static Layer, _: &mut AdapterContext, packet: Packet) -> SendOutcome {
    match layer.ndis.send(&layer.lower(), packet) {
        NdisStatus::SUCCESS => SendOutcome::Success,
        NdisStatus::PENDING => SendOutcome::Pending,
        status => SendOutcome::Failure(status),
    }
}

fn query(
    layer: &mut &'static Layer,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &mut [u8],
) -> RequestOutcome {
    match layer.ndis.query_information(&layer.lower(), oid, buffer) {
        Ok(length) => RequestOutcome::Done(length),
        Err(status) => RequestOutcome::Failure(status),
    }
}

fn set(
    layer: &mut &'static Layer,
    _: &mut AdapterContext,
    oid: Oid,
    buffer: &[u8],
) -> RequestOutcome {
    match layer.ndis.set_information(&layer.lower(), oid, buffer) {
        Ok(()) => RequestOutcome::Done(buffer.len()),
        Err(status) => RequestOutcome::Failure(status),
    }
}

fn miniport_table() -> MiniportCharacteristics<Passthrough> {
    MiniportCharacteristics {
        initialize: Some(initialize),
        halt: Some(|_, _| {}),
        reset: Some(|_, _| ResetOutcome::Done {
            addressing_reset: false,
        }),
        send: Some(send),
        query_information: Some(query),
        set_information: Some(set),
        ..MiniportCharacteristics::new(4, 0)
    }
}

fn protocol_table() -> ProtocolCharacteristics<Passthrough> {
    ProtocolCharacteristics {
        bind_adapter: Some(|edge, protocol, adapter| {
            let ndis = protocol.ndis();
            let opened = ndis.open_adapter(protocol, adapter, &[Medium::Ieee802_3], edge.layer);
            let Ok(handle) = opened else {
                return NdisStatus::OPEN_FAILED;
            };
            *lock(&edge.layer.lower) = Some(handle);
            let upper = ndis.adapter(edge.section).map_or_else(
                || ndis.add_device(edge.miniport, edge.section, Resources::internal()),
                Ok,
            );
            let Ok(upper) = upper else {
                return NdisStatus::RESOURCES;
            };
            *lock(&edge.layer.upper) = Some(upper);
            ndis.start_device(&upper)
                .err()
                .unwrap_or(NdisStatus::SUCCESS)
        }),
        unbind_adapter: Some(|layer| {
            layer.ndis.stop_device(&layer.upper()).expect("it runs");
            assert!(layer.ndis.close_adapter(&layer.lower()).is_success());
        }),
        receive: Some(|layer, receive, header, lookahead, payload_size| {
            layer.ndis.switch_to_miniport(&layer.upper(), |context| {
                context.indicate_receive(receive, header, lookahead, payload_size);
            });
            NdisStatus::SUCCESS
        }),
        transfer_data_complete: Some(|layer, packet, result| {
            layer.ndis.switch_to_miniport(&layer.upper(), |context| {
                context.transfer_data_complete(packet, result);
            });
        }),
        send_complete: Some(|layer, completion: SendCompletion| {
            layer.ndis.switch_to_miniport(&layer.upper(), |context| {
                context.pass_send_completion(completion);
            });
        }),
        status: Some(|layer, status| {
            layer
                .ndis
                .switch_to_miniport(&layer.upper(), |context| context.indicate_status(status));
        }),
        ..ProtocolCharacteristics::new(4, 0)
    }
}

/// Puts a filter between `below` and the protocols that bind to `section`.
pub(crate) fn install(world: &World, section: &'static str, below: &str) {
    let layer: &'static Layer = Box::leak(Box::new(Layer {
        ndis: world.ndis,
        upper: Mutex::new(None),
        lower: Mutex::new(None),
    }));
    world.registry.set(section, "Bind", below);
    let length = MiniportCharacteristics::<Passthrough>::LENGTH_5;
    let miniport = world
        .ndis
        .register_miniport("filter", &miniport_table(), length, layer);
    let edge = Edge {
        section,
        layer,
        miniport: miniport.expect("the table is good"),
    };
    let length = ProtocolCharacteristics::<Passthrough>::LENGTH_5;
    let registered = world
        .ndis
        .register_protocol(section, &protocol_table(), length, edge);
    registered.expect("the table is good");
}

#[test]
fn seed_58_any_number_of_filters_stand_between_protocol_and_miniport() {
    for filters in 0..NAMES.len() {
        run(move |world| {
            let card = world.card("card");
            let adapter = world.start("card0", &card);
            for pair in NAMES[..=filters].windows(2) {
                install(&world, pair[1], pair[0]);
            }
            let top = NAMES[filters];
            world.registry.set("tcpip", "Bind", top);
            let (observer, seat) = world.bound("tcpip");
            assert_eq!(seat.adapter.name(), top);
            assert_eq!(seat.adapter.hardware_address(), adapter.hardware_address());

            // The filters set the card's packet filter.
            let report = world.report();
            assert_eq!(
                report.packet_filter,
                PacketFilter::DIRECTED | PacketFilter::BROADCAST
            );

            // A frame comes up; its payload is transferred from the card.
            observer.script(|script| script.take = true);
            card.receive([frame(1500)]);
            world.interrupt(9);
            assert_eq!(*lock(&observer.received), [frame(1500)[14..].to_vec()]);
            let events = world.log.take_with("tcpip");
            assert_eq!(
                events,
                [
                    "tcpip receive 14 46 1500",
                    "tcpip transferred Ok(1500)",
                    "tcpip receive_complete"
                ]
            );

            // The same with a transfer that pends.
            card.script(|script| script.pend_transfers = true);
            card.receive([frame(100)]);
            world.interrupt(9);
            card.defer(Deferred::CompleteTransfers);
            world.interrupt(9);
            assert_eq!(world.log.take_with("transfer_complete").len(), 1);

            // A frame goes down: at once, later with its packet, and from the queue without it.
            assert_eq!(seat.send_frame(100), NdisStatus::SUCCESS);
            card.answer_sends([Answer::Pending, Answer::Resources]);
            assert_eq!(seat.send_frame(101), NdisStatus::PENDING);
            assert_eq!(seat.send_frame(102), NdisStatus::PENDING);
            card.defer(Deferred::CompleteSends(NdisStatus::SUCCESS));
            world.interrupt(9);
            assert_eq!(
                world.log.take_with("send_complete"),
                ["tcpip send_complete SUCCESS"; 2]
            );
            assert_eq!(card.sent_count(), 3);

            card.defer(Deferred::Status(NdisStatus::MEDIA_DISCONNECT));
            world.interrupt(9);
            assert_eq!(world.log.take_with("tcpip status ").len(), 1);

            // Unbinding goes through the stack from below, and so does starting again.
            for _ in 0..2 {
                world.ndis.stop_device(&adapter).expect("it runs");
                assert_eq!(world.ndis.binding_reports().count(), 0);
                world.ndis.start_device(&adapter).expect("it starts again");
                assert_eq!(world.ndis.binding_reports().count(), filters + 1);
            }
        });
    }
}
