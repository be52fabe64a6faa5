//! What is decided before the stack starts: the sizes of its tables and the
//! addresses of its interfaces.

use core::net::Ipv4Addr;
use core::ops::RangeInclusive;

use crate::address::Prefix;
use crate::wire::ethernet::HardwareAddress;

/// Bytes of an interface's name at most.
pub const MAXIMUM_NAME_LENGTH: usize = 32;

/// The sizes of the stack's tables, all of which are allocated when it is
/// made, and its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackConfiguration {
    /// Interfaces besides the loopback interface.
    pub interfaces: usize,
    /// Routes.
    pub routes: usize,
    /// Neighbours whose hardware address is known or being asked for.
    pub neighbours: usize,
    /// Packets that wait for any neighbour's hardware address.
    pub pending_packets: usize,
    /// Packets that wait for one neighbour's hardware address; the oldest is
    /// dropped for a new one.
    pub pending_packets_per_neighbour: usize,
    /// Address objects.
    pub address_objects: usize,
    /// Requests that wait for their completion or whose completion has not
    /// been fetched.
    pub requests: usize,
    /// Echo requests without an answer so far, or whose outcome has not been
    /// fetched.
    pub echo_requests: usize,
    /// Frames that have not been fetched for sending.
    pub frames: usize,
    /// Datagrams that wait on the loopback interface while no adapter is its
    /// link.
    pub loopback_packets: usize,
    /// ICMP errors sent in a second at most (RFC 1812 section 4.3.2.8).
    pub icmp_errors_per_second: u32,
    /// ICMP errors sent in a row at most.
    pub icmp_error_burst: u32,
    /// Ports given to address objects that ask for none; by default the range
    /// that IANA leaves for this (RFC 6335 section 6).
    pub ephemeral_ports: RangeInclusive<u16>,
}

impl Default for StackConfiguration {
    fn default() -> Self {
        Self {
            interfaces: 8,
            routes: 32,
            neighbours: 256,
            pending_packets: 64,
            pending_packets_per_neighbour: 16,
            address_objects: 128,
            requests: 512,
            echo_requests: 16,
            frames: 64,
            loopback_packets: 32,
            icmp_errors_per_second: 100,
            icmp_error_burst: 20,
            ephemeral_ports: 49152..=65535,
        }
    }
}

/// An interface to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceConfiguration<'a> {
    /// Name for the console; cut off after [`MAXIMUM_NAME_LENGTH`] bytes.
    pub name: &'a str,
    /// The card's address.
    pub hardware_address: HardwareAddress,
    /// The longest IP datagram in bytes that one frame carries: 1500 on
    /// Ethernet.
    pub mtu: usize,
    /// The interface's address and network, if it has one yet.
    pub address: Option<Prefix>,
    /// The gateway of the default route, which must be in that network.
    pub gateway: Option<Ipv4Addr>,
}
