mod messages;
mod pending;
mod states;

use std::format;
use std::string::String;

const ASKS_FOR_PEER: &str =
    "ff-ff-ff-ff-ff-ff arp who-has 10.0.2.3 tell 10.0.2.15 at 52-54-00-12-34-56";
const ASKS_PEER: &str =
    "52-55-0a-00-02-03 arp who-has 10.0.2.3 tell 10.0.2.15 at 52-54-00-12-34-56";
const STRANGER: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn data_to_peer(payload: &str) -> String {
    format!("52-55-0a-00-02-03 udp 10.0.2.15:7 > 10.0.2.3:9 {payload:?}")
}
