//! The harness that boots the kernel in QEMU and talks to it: its console over a Unix socket, its card over raw frames or over host
//! sockets through QEMU's user networking.
//!
//! - [`script`] asks `qemu-run.sh`, the one place that knows QEMU's arguments, for the command;
//! - [`machine`] runs it as a child that dies with the test, and keeps its logs when the test fails;
//! - [`monitor`] asks QEMU itself: to stop, and to write the machine's ports;
//! - [`console`] sends commands and reads what they print, with a deadline on every wait; [`screen`] is the terminal behind it;
//! - [`report`] reads the tables and counters that commands print;
//! - [`wire`] is the other end of the card's cable, [`peer`] a host on it whose frames are built by etherparse and read by smoltcp;
//! - [`attendant`] is such a host with a thread that takes every frame at once, [`hostile`] makes the frames that no host should send;
//! - [`services`] exchanges datagrams with the guest's tasks through host sockets;
//! - [`starvation`] tells how long the host kept a machine waiting;
//! - [`verdict`] tells pass, fail and unknown apart.

#![forbid(unsafe_code)]

pub mod attendant;
pub mod console;
pub mod hostile;
pub mod machine;
pub mod meanwhile;
pub mod monitor;
pub mod peer;
pub mod random;
pub mod report;
pub mod screen;
pub mod script;
pub mod services;
pub mod starvation;
pub mod verdict;
pub mod wire;

use std::time::Duration;

/// How long anything that needs no network is waited for. Generous, since it only matters when something is broken: the two cores may be
/// shared with a build.
pub const PATIENCE: Duration = Duration::from_secs(50);
