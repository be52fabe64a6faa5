//! Tests of the device, each named after the seed item or the Windows
//! behaviour (WT) that it shows.

mod create;
mod fast_io;
mod handles;
mod hostile;
mod info;
mod names;
mod poll;
mod receive;
mod send;
pub(crate) mod support;
