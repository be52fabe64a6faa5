//! Tests of the whole composition on a simulated machine: from a Winsock call
//! down to a card and back.

mod cancel;
mod loopback;
pub(crate) mod machine;
mod path;
