//! What the end of a QEMU process says about the guest.

use std::fmt;
use std::process::ExitStatus;

/// QEMU's exit code when the guest wrote 0x10 to isa-debug-exit: (0x10 << 1) | 1.
const PASS: i32 = 33;
/// QEMU's exit code when the guest wrote 0x11 to isa-debug-exit: (0x11 << 1) | 1.
const FAIL: i32 = 35;

/// The three ends of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The guest said that all is well (or powered off).
    Pass,
    /// The guest said that something failed.
    Fail,
    /// Anything else: a triple fault under `-no-reboot` (status 0), an error of QEMU, a signal.
    Unknown(ExitStatus),
}

impl From<ExitStatus> for Verdict {
    fn from(status: ExitStatus) -> Self {
        match status.code() {
            Some(PASS) => Self::Pass,
            Some(FAIL) => Self::Fail,
            _ => Self::Unknown(status),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => formatter.write_str("pass"),
            Self::Fail => formatter.write_str("fail"),
            Self::Unknown(status) => write!(formatter, "unknown ({status})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn exited(code: i32) -> Verdict {
        Verdict::from(ExitStatus::from_raw(code << 8))
    }

    #[test]
    fn only_the_two_codes_of_the_guest_are_a_verdict() {
        assert_eq!(exited(33), Verdict::Pass);
        assert_eq!(exited(35), Verdict::Fail);
        for code in [0, 1, 32, 34, 255] {
            assert!(matches!(exited(code), Verdict::Unknown(_)), "{code}");
        }
    }

    #[test]
    fn a_signal_is_unknown() {
        let killed = ExitStatus::from_raw(9);
        assert_eq!(Verdict::from(killed), Verdict::Unknown(killed));
    }
}
