//! The way that was found last: most senders go on to where they sent before.

use core::net::Ipv4Addr;

use super::output::Path;

/// One way and the address its sender was bound to. It is forgotten whenever an
/// address, an interface or a route changes.
#[derive(Debug, Default)]
pub(crate) struct LastPath {
    found: Option<(Option<Ipv4Addr>, Path)>,
}

impl LastPath {
    /// The way to `destination` for a sender bound to `bound`, if it was the
    /// last one.
    #[inline]
    pub(super) fn get(&self, destination: Ipv4Addr, bound: Option<Ipv4Addr>) -> Option<&Path> {
        match &self.found {
            Some((of, path)) if path.destination == destination && *of == bound => Some(path),
            _ => None,
        }
    }

    pub(super) fn set(&mut self, bound: Option<Ipv4Addr>, path: Path) -> &Path {
        &self.found.insert((bound, path)).1
    }

    /// What ways depend on has changed.
    pub(crate) fn forget(&mut self) {
        self.found = None;
    }
}
