//! A tap device of the host, where one can be made: the guest then talks to the host's own TCP/IP.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command;
use tests::PATIENCE;
use tests::machine::Options;

/// Of the range for measurements (RFC 2544), so that no network of the host's is in the way.
const HOST: Ipv4Addr = Ipv4Addr::new(198, 18, 90, 1);
const GUEST: Ipv4Addr = Ipv4Addr::new(198, 18, 90, 15);

/// The device; it goes with the value.
pub(crate) struct Tap {
    name: String,
}

impl Tap {
    /// Makes the device and gives it an address.
    pub(crate) fn new() -> Result<Self, String> {
        let tap = Self {
            name: format!("net{}", std::process::id()),
        };
        ip(&["tuntap", "add", "dev", &tap.name, "mode", "tap"])?;
        ip(&["addr", "add", &format!("{HOST}/24"), "dev", &tap.name])?;
        ip(&["link", "set", &tap.name, "up"])?;
        Ok(tap)
    }

    /// Plugs a machine's card into it.
    pub(crate) fn attach(&self, options: Options) -> Options {
        options
            .backend(&format!("tap,ifname={},script=no,downscript=no", self.name))
            .append(&format!("Tcpip.IPAddress={GUEST}/24"))
            .append(&format!("Tcpip.Gateway={HOST}"))
    }
}

/// A socket that talks to a port of the guest behind the tap.
pub(crate) fn connect(port: u16) -> UdpSocket {
    let socket = UdpSocket::bind((HOST, 0)).expect("a socket");
    socket
        .connect((GUEST, port))
        .expect("an address on the tap's own network");
    socket
        .set_read_timeout(Some(PATIENCE))
        .expect("a duration that is not zero");
    socket
}

impl Drop for Tap {
    fn drop(&mut self) {
        // A device that was never made cannot be taken away either.
        let _ = ip(&["link", "delete", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let answer = Command::new("ip")
        .args(arguments)
        .output()
        .map_err(|error| format!("ip: {error}"))?;
    if answer.status.success() {
        return Ok(());
    }
    Err(format!(
        "ip {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&answer.stderr).trim()
    ))
}
