//! NDIS status codes, with the values of the Windows `ndis.h` header.

use core::fmt;

use executive::status::NtStatus;

/// The result of an NDIS operation, or the kind of a status indication.
///
/// The top two bits are the severity, as in an [`NtStatus`]: 0 and 1 are
/// successes, 2 is a warning, 3 is an error.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NdisStatus(pub u32);

macro_rules! statuses {
    ($($(#[$documentation:meta])* $name:ident = $value:literal;)*) => {
        impl NdisStatus {
            $($(#[$documentation])* pub const $name: Self = Self($value);)*

            /// The name of the code in `ndis.h` without its prefix, if it is one of those known here.
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
    /// The operation is complete.
    SUCCESS = 0x0000_0000;
    /// The operation completes later, by the complete handler that belongs to it.
    PENDING = 0x0000_0103;
    /// The frame was not recognised by the protocol.
    NOT_RECOGNIZED = 0x0001_0001;
    /// The frame was not copied by the protocol.
    NOT_COPIED = 0x0001_0002;
    /// The protocol does not want the frame.
    NOT_ACCEPTED = 0x0001_0003;
    /// Indication: a reset of the adapter begins.
    RESET_START = 0x4001_0004;
    /// Indication: a reset of the adapter is over.
    RESET_END = 0x4001_0005;
    /// Indication: the medium is connected.
    MEDIA_CONNECT = 0x4001_000B;
    /// Indication: the medium is disconnected.
    MEDIA_DISCONNECT = 0x4001_000C;
    /// The data did not fit; what fits was given.
    BUFFER_OVERFLOW = 0x8000_0005;
    /// The adapter cannot be reset.
    NOT_RESETTABLE = 0x8001_0001;
    /// An error without a code of its own.
    FAILURE = 0xC000_0001;
    /// A table, queue, pool or the card's memory is full.
    RESOURCES = 0xC000_009A;
    /// The operation is not supported.
    NOT_SUPPORTED = 0xC000_00BB;
    /// The binding or adapter is being closed.
    CLOSING = 0xC001_0002;
    /// The version of a characteristics table is none of 3, 4 and 5.
    BAD_VERSION = 0xC001_0004;
    /// A characteristics table is too short, or a mandatory handler is missing.
    BAD_CHARACTERISTICS = 0xC001_0005;
    /// There is no such adapter, or it is not started.
    ADAPTER_NOT_FOUND = 0xC001_0006;
    /// The adapter could not be opened.
    OPEN_FAILED = 0xC001_0007;
    /// The device failed.
    DEVICE_FAILED = 0xC001_0008;
    /// The multicast list has no room.
    MULTICAST_FULL = 0xC001_0009;
    /// The request or send was given up.
    REQUEST_ABORTED = 0xC001_000C;
    /// The adapter is being reset.
    RESET_IN_PROGRESS = 0xC001_000D;
    /// The packet cannot be sent by this adapter (too short or too long).
    INVALID_PACKET = 0xC001_000F;
    /// The table of bindings is full.
    OPEN_LIST_FULL = 0xC001_0010;
    /// The adapter is not ready.
    ADAPTER_NOT_READY = 0xC001_0011;
    /// The binding is not open.
    ADAPTER_NOT_OPEN = 0xC001_0012;
    /// The buffer of a request has the wrong length.
    INVALID_LENGTH = 0xC001_0014;
    /// A value is not valid.
    INVALID_DATA = 0xC001_0015;
    /// The buffer of a request is too short.
    BUFFER_TOO_SHORT = 0xC001_0016;
    /// The object identifier is not known.
    INVALID_OID = 0xC001_0017;
    /// The adapter has been removed.
    ADAPTER_REMOVED = 0xC001_0018;
    /// None of the media offered is supported.
    UNSUPPORTED_MEDIA = 0xC001_0019;
    /// Another device uses the resource.
    RESOURCE_CONFLICT = 0xC001_001E;
}

impl NdisStatus {
    /// Whether the operation succeeded or is pending (severity 0 or 1, the `NT_SUCCESS` of Windows).
    pub const fn is_success(self) -> bool {
        self.0 & 0x8000_0000 == 0
    }

    /// Whether this is exactly [`NdisStatus::PENDING`].
    pub const fn is_pending(self) -> bool {
        self.0 == Self::PENDING.0
    }

    /// The status as the error of a `Result`: `Ok` for a success other than PENDING.
    ///
    /// # Errors
    /// The status itself, when it is pending or not a success.
    pub const fn into_result(self) -> Result<(), Self> {
        if self.is_success() && !self.is_pending() {
            Ok(())
        } else {
            Err(self)
        }
    }
}

impl From<NdisStatus> for NtStatus {
    /// NDIS codes of the facility 1 have no NTSTATUS name; the nearest one is given for those.
    fn from(status: NdisStatus) -> Self {
        match status {
            NdisStatus::SUCCESS => NtStatus::SUCCESS,
            NdisStatus::PENDING => NtStatus::PENDING,
            NdisStatus::BUFFER_OVERFLOW => NtStatus::BUFFER_OVERFLOW,
            NdisStatus::RESOURCES | NdisStatus::OPEN_LIST_FULL | NdisStatus::MULTICAST_FULL => {
                NtStatus::INSUFFICIENT_RESOURCES
            }
            NdisStatus::NOT_SUPPORTED | NdisStatus::INVALID_OID | NdisStatus::UNSUPPORTED_MEDIA => {
                NtStatus::NOT_SUPPORTED
            }
            NdisStatus::INVALID_LENGTH | NdisStatus::BUFFER_TOO_SHORT => NtStatus::BUFFER_TOO_SMALL,
            NdisStatus::INVALID_DATA
            | NdisStatus::INVALID_PACKET
            | NdisStatus::BAD_VERSION
            | NdisStatus::BAD_CHARACTERISTICS => NtStatus::INVALID_PARAMETER,
            NdisStatus::ADAPTER_NOT_READY
            | NdisStatus::ADAPTER_NOT_OPEN
            | NdisStatus::ADAPTER_NOT_FOUND
            | NdisStatus::RESET_IN_PROGRESS => NtStatus::DEVICE_NOT_READY,
            NdisStatus::CLOSING | NdisStatus::ADAPTER_REMOVED => NtStatus::FILE_CLOSED,
            NdisStatus::REQUEST_ABORTED => NtStatus::REQUEST_ABORTED,
            other if other.is_success() => NtStatus::SUCCESS,
            _ => NtStatus::DRIVER_INTERNAL_ERROR,
        }
    }
}

impl fmt::Display for NdisStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => formatter.pad(name),
            None => write!(formatter, "{:#010x}", self.0),
        }
    }
}

impl fmt::Debug for NdisStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
