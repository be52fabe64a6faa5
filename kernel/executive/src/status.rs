//! NTSTATUS values (\[MS-ERREF\] section 2.3.1, `ntstatus.h`).

use core::fmt;

/// The outcome of a request, in Windows' encoding: severity in the top two
/// bits (0 success, 1 informational, 2 warning, 3 error), then the facility
/// and the code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
#[must_use]
pub struct NtStatus(pub u32);

/// Declares the constants and the table from which `name` answers.
macro_rules! statuses {
    ($($(#[$attribute:meta])* $name:ident = $value:literal;)*) => {
        impl NtStatus {
            $($(#[$attribute])* pub const $name: Self = Self($value);)*

            /// The name as in `ntstatus.h` without the leading `STATUS_`, if
            /// the value is one that this kernel knows.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// The operation succeeded.
    SUCCESS = 0x0000_0000;
    /// A wait ended because an APC was delivered.
    USER_APC = 0x0000_00C0;
    /// A wait ended because its thread was alerted.
    ALERTED = 0x0000_0101;
    /// The time of a wait or a poll ran out. A success by its severity.
    TIMEOUT = 0x0000_0102;
    /// The request goes on and will be completed later. A success by its
    /// severity.
    PENDING = 0x0000_0103;
    /// There is more to enumerate.
    MORE_ENTRIES = 0x0000_0105;
    /// The data did not fit; the part that fits was delivered. A warning.
    BUFFER_OVERFLOW = 0x8000_0005;
    /// The device is busy.
    DEVICE_BUSY = 0x8000_0011;
    /// There is nothing more to enumerate.
    NO_MORE_ENTRIES = 0x8000_001A;
    /// The operation failed for no more specific reason.
    UNSUCCESSFUL = 0xC000_0001;
    /// The function is known but not implemented.
    NOT_IMPLEMENTED = 0xC000_0002;
    /// The length of the information does not fit its class.
    INFO_LENGTH_MISMATCH = 0xC000_0004;
    /// A buffer is not accessible.
    ACCESS_VIOLATION = 0xC000_0005;
    /// The handle names no object.
    INVALID_HANDLE = 0xC000_0008;
    /// A parameter is out of its range or does not fit the object's state.
    INVALID_PARAMETER = 0xC000_000D;
    /// There is no such device.
    NO_SUCH_DEVICE = 0xC000_000E;
    /// The device does not take requests of this kind.
    INVALID_DEVICE_REQUEST = 0xC000_0010;
    /// The end of the stream was reached.
    END_OF_FILE = 0xC000_0011;
    /// The completion routine has taken the IRP back.
    MORE_PROCESSING_REQUIRED = 0xC000_0016;
    /// There is no virtual memory left.
    NO_MEMORY = 0xC000_0017;
    /// The caller has no right to do this.
    ACCESS_DENIED = 0xC000_0022;
    /// The buffer is too small; nothing was delivered.
    BUFFER_TOO_SMALL = 0xC000_0023;
    /// The object is of another type than the request needs.
    OBJECT_TYPE_MISMATCH = 0xC000_0024;
    /// No object has this name.
    OBJECT_NAME_NOT_FOUND = 0xC000_0034;
    /// An object has this name already.
    OBJECT_NAME_COLLISION = 0xC000_0035;
    /// The share modes of two openings are incompatible.
    SHARING_VIOLATION = 0xC000_0043;
    /// A quota is used up.
    QUOTA_EXCEEDED = 0xC000_0044;
    /// The object is being deleted.
    DELETE_PENDING = 0xC000_0056;
    /// The two sides speak different revisions.
    REVISION_MISMATCH = 0xC000_0059;
    /// A pool or a table is full.
    INSUFFICIENT_RESOURCES = 0xC000_009A;
    /// The device is not connected.
    DEVICE_NOT_CONNECTED = 0xC000_009D;
    /// The device is not ready.
    DEVICE_NOT_READY = 0xC000_00A3;
    /// The other end of the pipe is gone.
    PIPE_DISCONNECTED = 0xC000_00B0;
    /// The time of an I/O operation ran out.
    IO_TIMEOUT = 0xC000_00B5;
    /// The request is not supported.
    NOT_SUPPORTED = 0xC000_00BB;
    /// The remote computer does not listen.
    REMOTE_NOT_LISTENING = 0xC000_00BC;
    /// The name is in use on the network.
    DUPLICATE_NAME = 0xC000_00BD;
    /// The network is busy.
    NETWORK_BUSY = 0xC000_00BF;
    /// The device does not exist.
    DEVICE_DOES_NOT_EXIST = 0xC000_00C0;
    /// The network adapter reported a hardware error.
    ADAPTER_HARDWARE_ERROR = 0xC000_00C2;
    /// The answer from the network makes no sense.
    INVALID_NETWORK_RESPONSE = 0xC000_00C3;
    /// The request was not accepted.
    REQUEST_NOT_ACCEPTED = 0xC000_00D0;
    /// The request would have to wait, which the caller forbade.
    CANT_WAIT = 0xC000_00D8;
    /// An internal error.
    INTERNAL_ERROR = 0xC000_00E5;
    /// The request was cancelled.
    CANCELLED = 0xC000_0120;
    /// The object was closed.
    FILE_CLOSED = 0xC000_0128;
    /// The connection was ended by this side.
    LOCAL_DISCONNECT = 0xC000_013B;
    /// The connection was ended by the other side.
    REMOTE_DISCONNECT = 0xC000_013C;
    /// The other side lacks the resources for the request.
    REMOTE_RESOURCES = 0xC000_013D;
    /// The link failed.
    LINK_FAILED = 0xC000_013E;
    /// The link gave no answer in time.
    LINK_TIMEOUT = 0xC000_013F;
    /// There is no such connection.
    INVALID_CONNECTION = 0xC000_0140;
    /// The address is not usable here.
    INVALID_ADDRESS = 0xC000_0141;
    /// A driver broke its contract.
    DRIVER_INTERNAL_ERROR = 0xC000_0183;
    /// The device is in a state in which the request makes no sense.
    INVALID_DEVICE_STATE = 0xC000_0184;
    /// The device reported an error.
    IO_DEVICE_ERROR = 0xC000_0185;
    /// A component of the address is not usable here.
    INVALID_ADDRESS_COMPONENT = 0xC000_0207;
    /// No further address can be had.
    TOO_MANY_ADDRESSES = 0xC000_0209;
    /// The address (a port, for instance) is taken.
    ADDRESS_ALREADY_EXISTS = 0xC000_020A;
    /// The address object was closed.
    ADDRESS_CLOSED = 0xC000_020B;
    /// The connection was disconnected.
    CONNECTION_DISCONNECTED = 0xC000_020C;
    /// The connection was reset.
    CONNECTION_RESET = 0xC000_020D;
    /// The data was not accepted.
    DATA_NOT_ACCEPTED = 0xC000_021B;
    /// There is no such object.
    NOT_FOUND = 0xC000_0225;
    /// The other side refused the connection.
    CONNECTION_REFUSED = 0xC000_0236;
    /// The connection was ended in an orderly way.
    GRACEFUL_DISCONNECT = 0xC000_0237;
    /// The endpoint has an address already.
    ADDRESS_ALREADY_ASSOCIATED = 0xC000_0238;
    /// The endpoint has no address yet.
    ADDRESS_NOT_ASSOCIATED = 0xC000_0239;
    /// The operation needs a connection that does not exist.
    CONNECTION_INVALID = 0xC000_023A;
    /// The operation needs that there is no connection.
    CONNECTION_ACTIVE = 0xC000_023B;
    /// There is no route to the network.
    NETWORK_UNREACHABLE = 0xC000_023C;
    /// The host does not answer.
    HOST_UNREACHABLE = 0xC000_023D;
    /// The host does not speak the protocol.
    PROTOCOL_UNREACHABLE = 0xC000_023E;
    /// Nobody listens at the port.
    PORT_UNREACHABLE = 0xC000_023F;
    /// The request was aborted.
    REQUEST_ABORTED = 0xC000_0240;
    /// The connection was aborted by this side.
    CONNECTION_ABORTED = 0xC000_0241;
    /// The time to live ran out on the way.
    HOPLIMIT_EXCEEDED = 0xC000_A012;
    /// The protocol is not supported.
    PROTOCOL_NOT_SUPPORTED = 0xC000_A013;
}

impl NtStatus {
    /// `NT_SUCCESS`: success or information; not a warning, not an error.
    /// True for `PENDING` and `TIMEOUT` too.
    pub const fn is_success(self) -> bool {
        self.0 >> 31 == 0
    }

    /// `NT_ERROR`: the severity is error.
    pub const fn is_error(self) -> bool {
        self.0 >> 30 == 3
    }

    /// `Ok` for `NT_SUCCESS`, for use with `?`.
    ///
    /// # Errors
    /// The status itself when it is a warning or an error.
    pub const fn ok(self) -> Result<(), Self> {
        if self.is_success() { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for NtStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.pad(name),
            None => write!(formatter, "{:#010X}", self.0),
        }
    }
}

impl fmt::Debug for NtStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl core::error::Error for NtStatus {}

#[cfg(test)]
mod tests {
    use super::NtStatus;
    use alloc::string::ToString;

    #[test]
    fn severity_decides_success() {
        assert!(NtStatus::SUCCESS.is_success());
        assert!(NtStatus::PENDING.is_success());
        assert!(NtStatus::TIMEOUT.is_success());
        assert!(!NtStatus::BUFFER_OVERFLOW.is_success());
        assert!(!NtStatus::BUFFER_OVERFLOW.is_error());
        assert!(NtStatus::CANCELLED.is_error());
        assert_eq!(NtStatus::CANCELLED.ok(), Err(NtStatus::CANCELLED));
        assert_eq!(NtStatus::PENDING.ok(), Ok(()));
    }

    #[test]
    fn known_values_print_their_name_and_others_their_number() {
        assert_eq!(NtStatus(0xC000_009A).to_string(), "INSUFFICIENT_RESOURCES");
        assert_eq!(NtStatus(0xC0FF_EE00).to_string(), "0xC0FFEE00");
        assert_eq!(NtStatus(0xC0FF_EE00).name(), None);
    }
}
