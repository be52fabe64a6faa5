//! The driver below NDIS on a simulated machine, with modelled cards.

mod information;
mod lifecycle;
mod traffic;
mod trouble;
mod watcher;
mod world;
