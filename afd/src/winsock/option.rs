//! setsockopt, getsockopt, ioctlsocket.

use executive::{Duration, NtStatus};

use super::constants::{
    FIONBIO, FIONREAD, SO_BROADCAST, SO_ERROR, SO_EXCLUSIVEADDRUSE, SO_MAX_MSG_SIZE, SO_RCVBUF,
    SO_RCVTIMEO, SO_REUSEADDR, SO_SNDBUF, SO_TYPE, SOL_SOCKET,
};
use super::table::SocketInformation;
use super::{AfdDevice, Socket, Winsock, WsaError};
use crate::ioctl::{ControlCode, Information, InformationClass};

impl<D: AfdDevice> Winsock<D> {
    /// Sets an option. Values are integers of four bytes, little-endian;
    /// booleans are 0 or not.
    ///
    /// # Errors
    /// EFAULT for less than four bytes, EINVAL for an unknown level or a value
    /// that does not fit (SO_REUSEADDR and SO_EXCLUSIVEADDRUSE exclude each
    /// other, and an address cannot be made exclusive after it was taken),
    /// ENOPROTOOPT for an option that there is not or that cannot be set.
    pub fn setsockopt(
        &self,
        socket: Socket,
        level: i32,
        option: i32,
        value: &[u8],
    ) -> Result<(), WsaError> {
        self.call(|| {
            let (_, _provider) = self.outline(socket)?;
            let value = u32::from_le_bytes(*value.first_chunk().ok_or(WsaError::EFAULT)?);
            check_level(level)?;
            match option {
                SO_RCVBUF => self.set_information(socket, InformationClass::RECEIVE_WINDOW, value),
                SO_SNDBUF => self.set_information(socket, InformationClass::SEND_WINDOW, value),
                SO_BROADCAST => self.set_information(socket, InformationClass::BROADCAST, value),
                _ => self
                    .sockets
                    .lock()
                    .change(socket, |information| set_local(information, option, value)),
            }
        })
    }

    /// Reads an option; answers the bytes of its value, which are four.
    ///
    /// # Errors
    /// EFAULT for room of less than four bytes, EINVAL for an unknown level,
    /// ENOPROTOOPT for an option that there is not.
    pub fn getsockopt(
        &self,
        socket: Socket,
        level: i32,
        option: i32,
        value: &mut [u8],
    ) -> Result<usize, WsaError> {
        self.call(|| {
            let (information, _provider) = self.look_up(socket)?;
            let room = value.first_chunk_mut::<4>().ok_or(WsaError::EFAULT)?;
            check_level(level)?;
            *room = self.option(&information, option)?.to_le_bytes();
            Ok(room.len())
        })
    }

    fn option(&self, information: &SocketInformation, option: i32) -> Result<u32, WsaError> {
        let class = match option {
            SO_TYPE => return Ok(information.socket_type.cast_unsigned()),
            SO_REUSEADDR => return Ok(u32::from(information.reuses_address)),
            SO_EXCLUSIVEADDRUSE => return Ok(u32::from(information.is_exclusive)),
            SO_RCVTIMEO => return Ok(milliseconds(information.receive_timeout)),
            SO_RCVBUF => InformationClass::RECEIVE_WINDOW,
            SO_SNDBUF => InformationClass::SEND_WINDOW,
            SO_BROADCAST => InformationClass::BROADCAST,
            SO_MAX_MSG_SIZE => InformationClass::MAX_SEND_SIZE,
            SO_ERROR => InformationClass::ERROR,
            _ => return Err(WsaError::ENOPROTOOPT),
        };
        let value = self.information(information.socket, class)?;
        if option == SO_ERROR && value != 0 {
            return Ok(WsaError::from(NtStatus(value)).0);
        }
        Ok(value)
    }

    /// FIONBIO sets whether calls wait (0) or not; FIONREAD reads how many
    /// bytes wait to be received.
    ///
    /// # Errors
    /// EINVAL for other commands.
    pub fn ioctlsocket(
        &self,
        socket: Socket,
        command: u32,
        argument: &mut u32,
    ) -> Result<(), WsaError> {
        self.call(|| {
            let (_, _provider) = self.outline(socket)?;
            match command {
                FIONBIO => {
                    let blocks = u32::from(*argument == 0);
                    self.set_information(socket, InformationClass::BLOCKING, blocks)
                }
                FIONREAD => {
                    *argument = self.information(socket, InformationClass::RECEIVE_CONTENT)?;
                    Ok(())
                }
                _ => Err(WsaError::EINVAL),
            }
        })
    }

    fn set_information(
        &self,
        socket: Socket,
        class: InformationClass,
        value: u32,
    ) -> Result<(), WsaError> {
        let information = Information {
            class,
            value: u64::from(value),
        };
        let code = ControlCode::SET_INFO;
        self.control(socket, code, 0, |buffer| information.encode(buffer))?
            .into_result()?;
        Ok(())
    }

    fn information(&self, socket: Socket, class: InformationClass) -> Result<u32, WsaError> {
        let asked = Information { class, value: 0 };
        let code = ControlCode::GET_INFO;
        let completed = self.control(socket, code, Information::SIZE, |buffer| {
            asked.encode(buffer)
        })?;
        let answered = Information::parse(completed.success()?.output())?;
        Ok(u32::try_from(answered.value).unwrap_or(u32::MAX))
    }
}

fn check_level(level: i32) -> Result<(), WsaError> {
    if level == SOL_SOCKET {
        Ok(())
    } else {
        Err(WsaError::EINVAL)
    }
}

/// Sets an option that Winsock itself keeps.
fn set_local(information: &mut SocketInformation, option: i32, value: u32) -> Result<(), WsaError> {
    let is_set = value != 0;
    match option {
        SO_REUSEADDR if is_set && information.is_exclusive => return Err(WsaError::EINVAL),
        SO_REUSEADDR => information.reuses_address = is_set,
        SO_EXCLUSIVEADDRUSE if is_set && (information.reuses_address || information.is_bound) => {
            return Err(WsaError::EINVAL);
        }
        SO_EXCLUSIVEADDRUSE => information.is_exclusive = is_set,
        SO_RCVTIMEO => {
            let timeout = Duration::from_millis(u64::from(value));
            information.receive_timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
        }
        _ => return Err(WsaError::ENOPROTOOPT),
    }
    Ok(())
}

fn milliseconds(timeout: Option<Duration>) -> u32 {
    timeout.map_or(0, |timeout| {
        u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX)
    })
}
