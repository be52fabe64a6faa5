//! select.

use executive::{Duration, NtStatus};

use super::{AfdDevice, FdSet, Socket, Winsock, WsaError};
use crate::ioctl::{
    ControlCode, MAXIMUM_POLL_HANDLES, PollEvents, PollHandle, PollInfo, PollTimeout, PollWriter,
};
use crate::request::SYSTEM_BUFFER_SIZE;

/// What makes a socket readable.
const READABLE: PollEvents = PollEvents::RECEIVE
    .union(PollEvents::DISCONNECT)
    .union(PollEvents::ABORT)
    .union(PollEvents::LOCAL_CLOSE)
    .union(PollEvents::ACCEPT);

/// What makes a datagram socket writable.
const WRITABLE: PollEvents = PollEvents::SEND;

/// What makes a socket exceptional.
const EXCEPTIONAL: PollEvents = PollEvents::RECEIVE_EXPEDITED.union(PollEvents::CONNECT_FAIL);

/// The sockets of all three sets, each once, with what is wanted of them.
type Wanted = heapless::Vec<(Socket, PollEvents), MAXIMUM_POLL_HANDLES>;

impl<D: AfdDevice> Winsock<D> {
    /// Waits until a socket of `read` can be read from, one of `write` written
    /// to, or one of `except` has an exceptional condition; or until `timeout`
    /// is over (`None` never, zero at once). The sets keep the sockets for
    /// which that is so; answers how many there are in all sets, 0 after the
    /// timeout.
    ///
    /// # Errors
    /// EINVAL when all sets are empty, ENOTSOCK for what is no socket, ENOBUFS
    /// for more than 64 different sockets or when tables are full. The sets
    /// are unchanged then.
    pub fn select(
        &self,
        read: &mut FdSet,
        write: &mut FdSet,
        except: &mut FdSet,
        timeout: Option<Duration>,
    ) -> Result<usize, WsaError> {
        self.call(|| {
            let mut wanted = Wanted::new();
            self.want(&mut wanted, read, READABLE)?;
            self.want(&mut wanted, write, WRITABLE)?;
            self.want(&mut wanted, except, EXCEPTIONAL)?;
            let (first, _) = wanted.first().ok_or(WsaError::EINVAL)?;
            let (_, _provider) = self.outline(*first)?;
            let mut seen = self.poll(*first, &wanted, timeout)?;
            Ok([(read, READABLE), (write, WRITABLE), (except, EXCEPTIONAL)]
                .into_iter()
                .map(|(set, events)| keep(set, &mut seen, events))
                .sum())
        })
    }

    fn want(&self, wanted: &mut Wanted, set: &FdSet, events: PollEvents) -> Result<(), WsaError> {
        for socket in set.as_slice() {
            self.outlines.get(*socket)?;
            match wanted.iter_mut().find(|(member, _)| member == socket) {
                Some((_, of_member)) => *of_member |= events,
                None => wanted
                    .push((*socket, events))
                    .map_err(|_| WsaError::ENOBUFS)?,
            }
        }
        Ok(())
    }

    /// Polls the sockets; the answer has what was seen of each.
    fn poll(
        &self,
        issuer: Socket,
        wanted: &Wanted,
        timeout: Option<Duration>,
    ) -> Result<Wanted, WsaError> {
        let raw_timeout = timeout.map_or(PollTimeout::Never, after).to_raw();
        let completed =
            self.control(issuer, ControlCode::SELECT, SYSTEM_BUFFER_SIZE, |buffer| {
                let mut writer = PollWriter::new(buffer, raw_timeout, false)?;
                wanted.iter().try_for_each(|(socket, events)| {
                    let (handle, events) = (socket.handle(), *events);
                    writer.push(PollHandle {
                        handle,
                        events,
                        status: NtStatus::SUCCESS,
                    })
                })?;
                Ok(writer.finish())
            })?;
        let mut completed = completed.success()?;
        // An answer without handles is not a payload that could be submitted.
        let Ok(info) = PollInfo::parse(completed.output()) else {
            return Ok(Wanted::new());
        };
        Ok(info
            .handles()
            .map(|entry| (Socket::from_handle(entry.handle), entry.events))
            .collect())
    }
}

fn after(timeout: Duration) -> PollTimeout {
    if timeout.is_zero() {
        PollTimeout::Now
    } else {
        PollTimeout::After(timeout)
    }
}

/// Keeps the sockets of a set of which something among `events` was seen.
fn keep(set: &mut FdSet, seen: &mut Wanted, events: PollEvents) -> usize {
    let is_seen = |socket: &Socket| {
        seen.iter()
            .any(|(member, of_member)| member == socket && of_member.intersects(events))
    };
    let kept: FdSet = set.as_slice().iter().copied().filter(is_seen).collect();
    *set = kept;
    set.len()
}
