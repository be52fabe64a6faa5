//! The kernel in QEMU, tried from outside.

mod adapter;
mod balance;
mod boot;
mod card;
mod console;
mod filters;
mod flood;
mod injected;
mod loader;
mod loopback;
mod malformed;
mod many_peers;
mod quiet;
mod ring;
mod selftest;
mod services;
mod several_cards;
mod spurious;
mod unread;
mod wire;
