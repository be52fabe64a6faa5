//! Typed values of the registry.

use core::net::Ipv4Addr;

use netstack::Prefix;

/// A type that a registry value can be read as.
pub trait FromText: Sized {
    /// What a valid value looks like, for the message about an invalid one.
    const EXPECTED: &'static str;

    /// The value, or `None` if the text is not of the form.
    fn from_text(text: &str) -> Option<Self>;
}

/// Decimal, or hexadecimal behind `0x`.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // `from_str_radix` would take a sign.
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16).ok(),
        None if !text.starts_with('+') => text.parse().ok(),
        _ => None,
    }
}

impl FromText for u8 {
    const EXPECTED: &'static str = "a number from 0 to 255";

    fn from_text(text: &str) -> Option<Self> {
        number(text)?.try_into().ok()
    }
}

impl FromText for u16 {
    const EXPECTED: &'static str = "a number from 0 to 65535";

    fn from_text(text: &str) -> Option<Self> {
        number(text)?.try_into().ok()
    }
}

impl FromText for u32 {
    const EXPECTED: &'static str = "a number from 0 to 4294967295";

    fn from_text(text: &str) -> Option<Self> {
        number(text)?.try_into().ok()
    }
}

impl FromText for bool {
    const EXPECTED: &'static str = "0 or 1";

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        }
    }
}

impl FromText for Ipv4Addr {
    const EXPECTED: &'static str = "an IPv4 address";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl FromText for log::LevelFilter {
    const EXPECTED: &'static str = "off, error, warn, info, debug or trace";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl FromText for Prefix {
    const EXPECTED: &'static str = "an IPv4 address with its prefix length, as in 10.0.2.15/24";

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}
