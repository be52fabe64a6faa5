//! The catalogue of transport providers (seed item 51).

use core::sync::atomic::{AtomicU32, Ordering};

use super::constants::{
    AF_INET, AF_UNSPEC, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM,
};
use super::error::WsaError;
use crate::ioctl::{EndpointFlags, RAW_DEVICE, TCP_DEVICE, UDP_DEVICE};

/// One transport provider: which sockets it makes, and how.
#[derive(Debug)]
pub struct Provider {
    /// What `socket` is asked for to get it.
    pub family: i32,
    /// The socket type.
    pub socket_type: i32,
    /// The protocol; `None` takes any.
    pub protocol: Option<i32>,
    /// The transport's device.
    pub device: &'static str,
    /// The flags of its endpoints.
    pub flags: EndpointFlags,
    /// Calls that are using the provider now.
    references: AtomicU32,
}

impl Provider {
    const fn new(
        socket_type: i32,
        protocol: Option<i32>,
        device: &'static str,
        flags: EndpointFlags,
    ) -> Self {
        Self {
            family: AF_INET,
            socket_type,
            protocol,
            device,
            flags,
            references: AtomicU32::new(0),
        }
    }

    fn takes_protocol(&self, protocol: i32) -> bool {
        protocol == 0 || self.protocol.is_none_or(|own| own == protocol)
    }

    /// How many calls are using the provider.
    pub fn references(&self) -> u32 {
        self.references.load(Ordering::Relaxed)
    }
}

/// The providers, in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Catalogue {
    providers: [Provider; 3],
}

/// Names a provider of the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ProviderId(pub(super) u8);

impl Catalogue {
    pub(super) const fn new() -> Self {
        let datagrams = EndpointFlags::CONNECTIONLESS.union(EndpointFlags::MESSAGE_ORIENTED);
        Self {
            providers: [
                Provider::new(
                    SOCK_STREAM,
                    Some(IPPROTO_TCP),
                    TCP_DEVICE,
                    EndpointFlags::empty(),
                ),
                Provider::new(SOCK_DGRAM, Some(IPPROTO_UDP), UDP_DEVICE, datagrams),
                Provider::new(
                    SOCK_RAW,
                    None,
                    RAW_DEVICE,
                    datagrams.union(EndpointFlags::RAW),
                ),
            ],
        }
    }

    /// The first provider that fits; 0 fits everything.
    ///
    /// # Errors
    /// EINVAL when nothing at all is said; else by the first thing that no
    /// provider has: EAFNOSUPPORT, ESOCKTNOSUPPORT, EPROTONOSUPPORT.
    pub(super) fn locate(
        &self,
        family: i32,
        socket_type: i32,
        protocol: i32,
    ) -> Result<ProviderId, WsaError> {
        if family == AF_UNSPEC && socket_type == 0 && protocol == 0 {
            return Err(WsaError::EINVAL);
        }
        let fits_family = |provider: &Provider| family == AF_UNSPEC || provider.family == family;
        let fits_type =
            |provider: &Provider| socket_type == 0 || provider.socket_type == socket_type;
        let mut failure = WsaError::EAFNOSUPPORT;
        for (index, provider) in self.providers.iter().enumerate() {
            if !fits_family(provider) {
                continue;
            }
            if !fits_type(provider) {
                if failure == WsaError::EAFNOSUPPORT {
                    failure = WsaError::ESOCKTNOSUPPORT;
                }
            } else if provider.takes_protocol(protocol) {
                return Ok(ProviderId(index as u8));
            } else {
                failure = WsaError::EPROTONOSUPPORT;
            }
        }
        Err(failure)
    }

    /// Uses a provider until the reference is dropped.
    #[inline]
    pub(super) fn reference(&self, id: ProviderId) -> Option<ProviderReference<'_>> {
        let provider = self.providers.get(usize::from(id.0))?;
        provider.references.fetch_add(1, Ordering::Relaxed);
        Some(ProviderReference { provider })
    }

    pub(super) fn providers(&self) -> &[Provider] {
        &self.providers
    }
}

/// A provider in use.
#[derive(Debug)]
pub(super) struct ProviderReference<'a> {
    provider: &'a Provider,
}

impl core::ops::Deref for ProviderReference<'_> {
    type Target = Provider;

    fn deref(&self) -> &Provider {
        self.provider
    }
}

impl Drop for ProviderReference<'_> {
    fn drop(&mut self) {
        self.provider.references.fetch_sub(1, Ordering::Relaxed);
    }
}
