//! Requests to a host's device, and what they answer.

use alloc::vec::Vec;

use executive::NtStatus;
use netstack::tdi::{Payload, ReceiveFlags};
use netstack::{SocketAddress, Stack};

use super::{DATAGRAMS, Device, anywhere};
use crate::ioctl::{
    AfdFlags, BindData, ConnectInfo, ControlCode, EndpointFlags, Information, InformationClass,
    OpenPacket, PollEvents, PollHandle, PollInfo, PollWriter, ReceiveInfo, SendInfo, ShareType,
    TRANSPORT_ADDRESS_SIZE, UDP_DEVICE, parse_transport_address,
};
use crate::winsock::AfdDevice;
use crate::{Afd, AfdCounters, AfdRequest, AfdTicket, Handle, MajorFunction, SYSTEM_BUFFER_SIZE};

/// How a request ended.
pub(crate) type Ended = (NtStatus, usize);

impl Device {
    pub(crate) fn counters(&self) -> AfdCounters {
        self.look(|afd, _| *afd.counters())
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Afd, &mut Stack) -> T) -> T {
        self.world.with(|state, _| {
            let host = &mut state.hosts[self.index];
            look(&mut host.afd, &mut host.stack)
        })
    }

    /// Asserts that nothing is left of anything: no handle, endpoint, request,
    /// datagram, packet.
    pub(crate) fn assert_level(&self) {
        for (name, usage) in self.look(|afd, _| afd.usage()).iter() {
            assert_eq!(usage.used, 0, "{name}");
        }
        assert_eq!(self.irps.usage().used, 0, "IRPs");
        let usage = self.packets.usage();
        assert_eq!((usage.packets.used, usage.buffers.used), (0, 0), "packets");
        assert_eq!(self.world.executive.counters().irps_abandoned, 0);
        let counters = self.counters();
        assert_eq!(counters.requests, counters.completions);
    }

    /// Submits a request that `fill` has filled in.
    pub(crate) fn request(
        &self,
        major: MajorFunction,
        handle: Handle,
        fill: impl FnOnce(&mut AfdRequest),
    ) -> AfdTicket {
        let (mut irp, ticket) = self.irps.allocate().unwrap();
        let request = irp.request_mut();
        request.major = major;
        request.handle = handle;
        fill(request);
        self.submit(irp);
        ticket
    }

    pub(crate) fn control(
        &self,
        handle: Handle,
        code: ControlCode,
        input: &[u8],
        output_length: usize,
    ) -> AfdTicket {
        self.request(MajorFunction::DeviceControl, handle, |request| {
            request.control_code = code;
            request.output_length = output_length;
            request.input.copy_from(input).unwrap();
        })
    }

    /// As `control` with a payload that `encode` writes.
    pub(crate) fn control_with(
        &self,
        handle: Handle,
        code: ControlCode,
        output_length: usize,
        encode: impl FnOnce(&mut [u8]) -> Result<usize, NtStatus>,
    ) -> AfdTicket {
        let mut buffer = [0; SYSTEM_BUFFER_SIZE];
        let length = encode(&mut buffer).unwrap();
        self.control(handle, code, &buffer[..length], output_length)
    }

    /// Opens a UDP endpoint.
    pub(crate) fn create(&self) -> Handle {
        let (status, information) = self.open(DATAGRAMS, UDP_DEVICE);
        assert_eq!(status, NtStatus::SUCCESS);
        Handle::from_raw(information as u64)
    }

    pub(crate) fn open(&self, flags: EndpointFlags, device: &str) -> Ended {
        self.request(MajorFunction::Create, Handle::NULL, |request| {
            request
                .input
                .fill(|buffer| OpenPacket::encode(buffer, flags, 0, device))
                .unwrap();
        })
        .result()
    }

    pub(crate) fn duplicate(&self, handle: Handle) -> Handle {
        let (status, information) = self
            .request(MajorFunction::DuplicateHandle, handle, |_| ())
            .result();
        assert_eq!(status, NtStatus::SUCCESS);
        Handle::from_raw(information as u64)
    }

    pub(crate) fn try_clean_up(&self, handle: Handle) -> NtStatus {
        self.request(MajorFunction::Cleanup, handle, |_| ())
            .result()
            .0
    }

    pub(crate) fn try_close(&self, handle: Handle) -> NtStatus {
        let _ = self.try_clean_up(handle);
        self.request(MajorFunction::Close, handle, |_| ())
            .result()
            .0
    }

    pub(crate) fn try_bind_as(
        &self,
        handle: Handle,
        share: ShareType,
        address: SocketAddress,
    ) -> NtStatus {
        let data = BindData { share, address };
        self.control_with(handle, ControlCode::BIND, 0, |buffer| data.encode(buffer))
            .result()
            .0
    }

    /// Opens a UDP endpoint at a port of every local address.
    pub(crate) fn bound(&self, port: u16) -> Handle {
        let handle = self.create();
        assert_eq!(
            self.try_bind_as(handle, ShareType::Unique, anywhere(port)),
            NtStatus::SUCCESS
        );
        handle
    }

    pub(crate) fn try_connect(&self, handle: Handle, remote: SocketAddress) -> NtStatus {
        let info = ConnectInfo { remote };
        self.control_with(handle, ControlCode::CONNECT, 0, |buffer| {
            info.encode(buffer)
        })
        .result()
        .0
    }

    pub(crate) fn sock_name(&self, handle: Handle) -> Result<SocketAddress, NtStatus> {
        self.name(handle, ControlCode::GET_SOCK_NAME)
    }

    pub(crate) fn peer_name(&self, handle: Handle) -> Result<SocketAddress, NtStatus> {
        self.name(handle, ControlCode::GET_PEER_NAME)
    }

    fn name(&self, handle: Handle, code: ControlCode) -> Result<SocketAddress, NtStatus> {
        let mut ticket = self.control(handle, code, &[], TRANSPORT_ADDRESS_SIZE);
        ticket.result().0.ok()?;
        parse_transport_address(ticket.reply().unwrap().output.as_slice())
    }

    pub(crate) fn payload(&self, bytes: &[u8]) -> Payload {
        Payload::copy_from(self.packets, bytes).unwrap()
    }

    /// SEND_DATAGRAM, or SEND without a remote address.
    pub(crate) fn send(
        &self,
        handle: Handle,
        remote: Option<SocketAddress>,
        bytes: &[u8],
        flags: AfdFlags,
    ) -> AfdTicket {
        let data = self.payload(bytes);
        let code = if remote.is_some() {
            ControlCode::SEND_DATAGRAM
        } else {
            ControlCode::SEND
        };
        self.request(MajorFunction::DeviceControl, handle, |request| {
            request.control_code = code;
            request.data = Some(data);
            let lengths = [bytes.len()].into_iter();
            let encode = |buffer: &mut [u8]| SendInfo::encode(buffer, flags, remote, lengths);
            request.input.fill(encode).unwrap();
        })
    }

    pub(crate) fn try_send_to(&self, handle: Handle, remote: SocketAddress, bytes: &[u8]) -> Ended {
        self.send(handle, Some(remote), bytes, AfdFlags::empty())
            .result()
    }

    /// RECV_DATAGRAM.
    pub(crate) fn receive_with(
        &self,
        handle: Handle,
        capacity: usize,
        afd_flags: AfdFlags,
        tdi_flags: ReceiveFlags,
    ) -> AfdTicket {
        self.control_with(handle, ControlCode::RECV_DATAGRAM, 0, |buffer| {
            ReceiveInfo::encode(buffer, afd_flags, tdi_flags, [capacity].into_iter())
        })
    }

    pub(crate) fn receive(&self, handle: Handle, capacity: usize) -> AfdTicket {
        self.receive_with(handle, capacity, AfdFlags::empty(), ReceiveFlags::NORMAL)
    }

    /// What can be received at once, without waiting.
    pub(crate) fn receive_now(&self, handle: Handle) -> Result<Vec<u8>, NtStatus> {
        let mut ticket =
            self.receive_with(handle, 65_535, AfdFlags::IMMEDIATE, ReceiveFlags::NORMAL);
        ticket.result().0.ok()?;
        Ok(data(&mut ticket))
    }

    pub(crate) fn get_info(
        &self,
        handle: Handle,
        class: InformationClass,
    ) -> Result<u64, NtStatus> {
        let asked = Information { class, value: 0 };
        let mut ticket =
            self.control_with(handle, ControlCode::GET_INFO, Information::SIZE, |buffer| {
                asked.encode(buffer)
            });
        ticket.result().0.ok()?;
        Ok(Information::parse(ticket.reply().unwrap().output.as_slice())?.value)
    }

    pub(crate) fn try_set_info(
        &self,
        handle: Handle,
        class: InformationClass,
        value: u64,
    ) -> NtStatus {
        let information = Information { class, value };
        self.control_with(handle, ControlCode::SET_INFO, 0, |buffer| {
            information.encode(buffer)
        })
        .result()
        .0
    }

    /// SELECT with the raw timeout of the payload.
    pub(crate) fn select(
        &self,
        issuer: Handle,
        raw_timeout: i64,
        wanted: &[(Handle, PollEvents)],
    ) -> AfdTicket {
        let input = poll_payload(raw_timeout, false, wanted);
        self.control(issuer, ControlCode::SELECT, &input, input.len())
    }
}

/// The same for when nothing is to go wrong.
impl Device {
    pub(crate) fn clean_up(&self, handle: Handle) {
        assert_eq!(self.try_clean_up(handle), NtStatus::SUCCESS);
    }

    pub(crate) fn close(&self, handle: Handle) {
        assert_eq!(self.try_close(handle), NtStatus::SUCCESS);
    }

    pub(crate) fn bind_as(&self, handle: Handle, share: ShareType, address: SocketAddress) {
        assert_eq!(self.try_bind_as(handle, share, address), NtStatus::SUCCESS);
    }

    pub(crate) fn connect(&self, handle: Handle, remote: SocketAddress) {
        assert_eq!(self.try_connect(handle, remote), NtStatus::SUCCESS);
    }

    pub(crate) fn send_to(&self, handle: Handle, remote: SocketAddress, bytes: &[u8]) {
        let sent = self.try_send_to(handle, remote, bytes);
        assert_eq!(sent, (NtStatus::SUCCESS, bytes.len()));
    }

    pub(crate) fn set_info(&self, handle: Handle, class: InformationClass, value: u64) {
        assert_eq!(self.try_set_info(handle, class, value), NtStatus::SUCCESS);
    }
}

/// The payload of SELECT.
pub(crate) fn poll_payload(
    raw_timeout: i64,
    exclusive: bool,
    wanted: &[(Handle, PollEvents)],
) -> Vec<u8> {
    let mut buffer = [0; SYSTEM_BUFFER_SIZE];
    let mut writer = PollWriter::new(&mut buffer, raw_timeout, exclusive).unwrap();
    for (handle, events) in wanted {
        // What comes in the status field does not matter.
        let status = NtStatus(0xDEAD_BEEF);
        writer
            .push(PollHandle {
                handle: *handle,
                events: *events,
                status,
            })
            .unwrap();
    }
    let length = writer.finish();
    buffer[..length].to_vec()
}

/// The handles that a completed SELECT shows.
pub(crate) fn seen(ticket: &mut AfdTicket) -> Vec<(Handle, PollEvents)> {
    let output = ticket.reply().unwrap().output.as_slice();
    match PollInfo::parse(output) {
        Ok(info) => info
            .handles()
            .map(|entry| {
                assert_eq!(entry.status, NtStatus::SUCCESS);
                (entry.handle, entry.events)
            })
            .collect(),
        Err(_) => Vec::new(),
    }
}

/// The bytes that a completed receive has brought.
pub(crate) fn data(ticket: &mut AfdTicket) -> Vec<u8> {
    let (_, information) = ticket.result();
    let datagram = ticket.reply_mut().unwrap().datagram.take().unwrap();
    let bytes = datagram.packet.segments().collect::<Vec<_>>().concat();
    assert_eq!(bytes.len(), information);
    bytes
}
