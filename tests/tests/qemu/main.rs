//! The kernel in QEMU, tried from outside.

mod boot;
mod card;
mod console;
mod loader;
mod malformed;
mod many_peers;
mod quiet;
mod selftest;
mod services;
mod wire;
