//! The handlers of the intermediate driver: the miniport above, the protocol below.

use super::{Edges, Filter, Instances, Way};
use crate::simulation::lock;
use crate::{
    AdapterContext, InitializeContext, Initialized, Medium, MiniportCharacteristics, NdisStatus,
    Packet, PnpEvent, ProtocolCharacteristics, Request, RequestKind, RequestOutcome, ResetOutcome,
    SendCompletion, SendOutcome,
};

/// The upper edge.
pub(super) fn miniport_table() -> MiniportCharacteristics<Edges> {
    MiniportCharacteristics {
        initialize: Some(initialize),
        halt: Some(|filter, context| {
            let given_up = {
                let mut state = lock(&filter.state);
                assert!(
                    state.down.is_empty() && state.up.is_empty(),
                    "it was flushed"
                );
                state
                    .requests
                    .iter_mut()
                    .for_each(|request| *request = None);
                core::mem::take(&mut state.waiting)
            };
            for (_, packet) in given_up {
                context.send_complete(packet, NdisStatus::REQUEST_ABORTED);
            }
        }),
        reset: Some(|filter, _| {
            let status = filter.lower().map(|lower| filter.ndis.reset(&lower));
            match status.unwrap_or(NdisStatus::FAILURE) {
                NdisStatus::PENDING | NdisStatus::RESET_IN_PROGRESS => ResetOutcome::Pending,
                status => ResetOutcome::Failure(status),
            }
        }),
        check_for_hang: Some(|_, _| false),
        send: Some(send),
        query_information: Some(|filter, _, oid, buffer| {
            let mut query = Request::query_of(oid, buffer.len());
            match request(filter, &mut query) {
                RequestOutcome::Done(_) => RequestOutcome::answer(buffer, query.bytes()),
                outcome => outcome,
            }
        }),
        set_information: Some(|filter, _, oid, buffer| match Request::set(oid, buffer) {
            Ok(mut set) => request(filter, &mut set),
            Err(status) => RequestOutcome::Failure(status),
        }),
        ..MiniportCharacteristics::new(4, 0)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the type of the handler")]
fn initialize(
    instances: &&'static Instances,
    context: &mut InitializeContext<'_, Edges>,
    media: &[Medium],
) -> Result<Initialized<Edges>, NdisStatus> {
    let name = context.adapter_name();
    let filter = lock(instances)
        .iter()
        .copied()
        .find(|filter| filter.upper.name() == name)
        .ok_or(NdisStatus::ADAPTER_NOT_FOUND)?;
    context.register_flush(|filter, context| {
        lock(&filter.state).way = Way::Through;
        filter.let_go(context);
    });
    let medium_index = media.iter().position(|&medium| medium == Medium::Ieee802_3);
    Ok(Initialized {
        adapter: filter,
        medium_index: medium_index.ok_or(NdisStatus::UNSUPPORTED_MEDIA)?,
    })
}

fn send(filter: &mut &'static Filter, _: &mut AdapterContext, packet: Packet) -> SendOutcome {
    {
        let mut state = lock(&filter.state);
        if state.way == Way::Hold || !state.down.is_empty() {
            state.down.push_back(packet);
            return SendOutcome::Pending;
        }
    }
    let status = filter.lower().map_or(NdisStatus::CLOSING, |lower| {
        filter.ndis.send(&lower, packet)
    });
    match status {
        NdisStatus::SUCCESS => SendOutcome::Success,
        NdisStatus::PENDING => SendOutcome::Pending,
        status => SendOutcome::Failure(status),
    }
}

fn request(filter: &Filter, request: &mut Request) -> RequestOutcome {
    let Some(lower) = filter.lower() else {
        return RequestOutcome::Failure(NdisStatus::CLOSING);
    };
    lock(&filter.state).requests.push_back(Some(request.kind()));
    let status = filter.ndis.request(&lower, request);
    if status.is_pending() {
        return RequestOutcome::Pending;
    }
    // One that is not pending has overtaken none that is.
    lock(&filter.state).requests.pop_back();
    match status {
        NdisStatus::SUCCESS => RequestOutcome::Done(request.bytes().len()),
        NdisStatus::INVALID_LENGTH => RequestOutcome::TooShort(request.needed()),
        status => RequestOutcome::Failure(status),
    }
}

/// The lower edge.
pub(super) fn protocol_table() -> ProtocolCharacteristics<Edges> {
    ProtocolCharacteristics {
        bind_adapter: Some(|instances, protocol, below| {
            let upper = below.covered_by();
            let instances = lock(instances).clone();
            let mut of_upper = instances.into_iter();
            match of_upper.find(|filter| Some(filter.upper) == upper) {
                Some(filter) => filter
                    .insert(*protocol, *below)
                    .err()
                    .unwrap_or(NdisStatus::SUCCESS),
                None => NdisStatus::NOT_ACCEPTED,
            }
        }),
        unbind_adapter: Some(Filter::close),
        close_adapter_complete: Some(|filter, _status| filter.closed()),
        receive: Some(|filter, receive, header, lookahead, payload_size| {
            if lock(&filter.state).way == Way::Hold || !lock(&filter.state).up.is_empty() {
                filter.keep(receive, header, payload_size);
            } else {
                filter.switch(|context| {
                    context.indicate_receive(receive, header, lookahead, payload_size);
                });
            }
            NdisStatus::SUCCESS
        }),
        send_complete: Some(|filter, completion: SendCompletion| {
            filter.switch(|context| {
                let SendCompletion { id, status, .. } = completion;
                if !filter.complete_share(context, id, status) {
                    context.pass_send_completion(completion);
                }
            });
        }),
        transfer_data_complete: Some(|filter, packet, result| {
            filter.switch(|context| context.transfer_data_complete(packet, result));
        }),
        request_complete: Some(|filter, request, status| {
            let kind = lock(&filter.state).requests.pop_front().flatten();
            filter.switch(|context| match kind {
                Some(RequestKind::Query) => {
                    context.query_information_complete(status, request.bytes());
                }
                Some(RequestKind::Set) => context.set_information_complete(status),
                None => {}
            });
        }),
        reset_complete: Some(|filter, status| {
            filter.switch(|context| context.reset_complete(status, false));
        }),
        status: Some(|filter, status| filter.switch(|context| context.indicate_status(status))),
        status_complete: Some(|filter| {
            filter.switch(AdapterContext::indicate_status_complete);
        }),
        pnp_event: Some(|_, filter, event| {
            if let (Some(filter), PnpEvent::Reconfigure) = (filter, event) {
                filter.ndis.reconfigure(&filter.upper);
            }
            NdisStatus::SUCCESS
        }),
        ..ProtocolCharacteristics::new(4, 0)
    }
}
