//! Values of object identifiers: answers decoded, and text as a value to set.

use core::fmt;

use bitflags::bitflags;
use ndis::protocol::REQUEST_BUFFER_SIZE;
use ndis::{HardwareAddress, Medium, Oid, PacketFilter};

use super::super::super::format::flag_names;

/// Bytes of an answer without a known form that a list shows.
const SHOWN_BYTES: usize = 16;

const NUMBER: &str = "a number (decimal, or hexadecimal behind 0x)";
const FILTER: &str = "packet filter names joined by commas, or a number";
const ADDRESS: &str = "a hardware address (52:54:00:12:34:56)";
const ADDRESSES: &str = "hardware addresses joined by commas, or `none`";
const BYTES: &str = "bytes as pairs of hexadecimal digits";

bitflags! {
    /// What a miniport says of itself, with the values of `NDIS_MAC_OPTION_*`.
    #[derive(Clone, Copy)]
    struct MacOptions: u32 {
        const COPY_LOOKAHEAD_DATA = 0x01;
        const RECEIVE_SERIALIZED = 0x02;
        const TRANSFERS_NOT_PEND = 0x04;
        const NO_LOOPBACK = 0x08;
        const FULL_DUPLEX = 0x10;
        const EOTX_INDICATION = 0x20;
        const PRIORITY_802_1P = 0x40;
    }

    /// What a protocol says of itself, with the values of `NDIS_PROT_OPTION_*`.
    #[derive(Clone, Copy)]
    struct ProtocolOptions: u32 {
        const ESTIMATED_LENGTH = 0x01;
        const NO_LOOPBACK = 0x02;
        const NO_RESERVED_ON_RECEIVE = 0x04;
    }
}

/// The form of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Number,
    Text,
    Address,
    Addresses,
    Filter,
    Identifiers,
    Media,
    /// Units of 100 bit/s.
    Speed,
    /// Major and minor in a byte each.
    Version,
    HardwareStatus,
    ConnectStatus,
    MacOptions,
    ProtocolOptions,
    /// Organisation number and a byte of its own.
    Vendor,
    Bytes,
}

impl Form {
    fn of(oid: Oid) -> Self {
        match oid {
            Oid::GEN_SUPPORTED_LIST => Self::Identifiers,
            Oid::GEN_HARDWARE_STATUS => Self::HardwareStatus,
            Oid::GEN_MEDIA_SUPPORTED | Oid::GEN_MEDIA_IN_USE => Self::Media,
            Oid::GEN_LINK_SPEED => Self::Speed,
            Oid::GEN_VENDOR_ID => Self::Vendor,
            Oid::GEN_VENDOR_DESCRIPTION => Self::Text,
            Oid::GEN_CURRENT_PACKET_FILTER => Self::Filter,
            Oid::GEN_DRIVER_VERSION => Self::Version,
            Oid::GEN_PROTOCOL_OPTIONS => Self::ProtocolOptions,
            Oid::GEN_MAC_OPTIONS => Self::MacOptions,
            Oid::GEN_MEDIA_CONNECT_STATUS => Self::ConnectStatus,
            Oid::IEEE_802_3_PERMANENT_ADDRESS | Oid::IEEE_802_3_CURRENT_ADDRESS => Self::Address,
            Oid::IEEE_802_3_MULTICAST_LIST => Self::Addresses,
            oid if oid.name().is_some() => Self::Number,
            _ => Self::Bytes,
        }
    }

    /// What text for a value has to look like.
    fn expected(self) -> &'static str {
        match self {
            Self::Filter => FILTER,
            Self::Address => ADDRESS,
            Self::Addresses => ADDRESSES,
            Self::Bytes | Self::Text | Self::Identifiers | Self::Media => BYTES,
            _ => NUMBER,
        }
    }
}

/// The identifiers of a list of them, four bytes each, the lowest first.
pub(super) fn identifiers(bytes: &[u8]) -> impl Iterator<Item = Oid> {
    numbers(bytes).map(Oid)
}

fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    let (numbers, _) = bytes.as_chunks();
    numbers.iter().copied().map(u32::from_le_bytes)
}

/// A number of up to eight bytes, the lowest first; `None` for none or more.
fn number(bytes: &[u8]) -> Option<u64> {
    let mut number = [0; 8];
    number.get_mut(..bytes.len())?.copy_from_slice(bytes);
    (!bytes.is_empty()).then_some(u64::from_le_bytes(number))
}

/// Displays an answer: in a line, or whole with `#`. One that has not the form it should
/// have is displayed as its bytes.
pub(super) struct Value<'a> {
    pub(super) oid: Oid,
    pub(super) bytes: &'a [u8],
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = Form::of(self.oid);
        match form {
            Form::Text => self.text(f),
            Form::Bytes => self.hexadecimal(f),
            Form::Addresses if self.bytes.len().is_multiple_of(6) => self.addresses(f),
            Form::Identifiers if self.bytes.len().is_multiple_of(4) => self.identifiers(f),
            Form::Media if self.bytes.len().is_multiple_of(4) => self.media(f),
            Form::Address => match HardwareAddress::from_slice(self.bytes) {
                Some(address) if self.bytes.len() == 6 => write!(f, "{address}"),
                _ => self.hexadecimal(f),
            },
            _ => match number(self.bytes) {
                Some(number) => display_number(f, form, number),
                None => self.hexadecimal(f),
            },
        }
    }
}

impl Value<'_> {
    /// Text of a driver, whose control characters are no orders to the terminal.
    fn text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.bytes.strip_suffix(&[0]).unwrap_or(self.bytes);
        write!(f, "{}", text.escape_ascii())
    }

    fn hexadecimal(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = if f.alternate() {
            self.bytes.len()
        } else {
            SHOWN_BYTES
        };
        if self.bytes.is_empty() {
            return f.write_str("-");
        }
        for (place, byte) in self.bytes.iter().take(shown).enumerate() {
            let separator = if place == 0 { "" } else { " " };
            write!(f, "{separator}{byte:02x}")?;
        }
        if self.bytes.len() > shown {
            write!(f, " .. ({} bytes)", self.bytes.len())?;
        }
        Ok(())
    }

    fn addresses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (addresses, _) = self.bytes.as_chunks();
        if addresses.is_empty() {
            return f.write_str("none");
        }
        for (place, &address) in addresses.iter().enumerate() {
            let separator = if place == 0 { "" } else { "," };
            write!(f, "{separator}{}", HardwareAddress(address))?;
        }
        Ok(())
    }

    fn identifiers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} identifiers", identifiers(self.bytes).count())?;
        if f.alternate() {
            for oid in identifiers(self.bytes) {
                write!(f, "\n  {}", super::name::Identifier(oid))?;
            }
        }
        Ok(())
    }

    fn media(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, number) in numbers(self.bytes).enumerate() {
            let separator = if place == 0 { "" } else { "," };
            let medium = Medium::ALL.iter().find(|medium| **medium as u32 == number);
            match medium {
                Some(medium) => write!(f, "{separator}{medium}")?,
                None => write!(f, "{separator}{number}")?,
            }
        }
        Ok(())
    }
}

fn display_number(f: &mut fmt::Formatter<'_>, form: Form, number: u64) -> fmt::Result {
    let bits = number as u32;
    match form {
        Form::Filter => {
            let filter = PacketFilter::from_bits_retain(bits);
            write!(f, "{bits:#x} ({})", flag_names(filter))
        }
        Form::MacOptions => {
            let names = flag_names(MacOptions::from_bits_retain(bits));
            write!(f, "{bits:#x} ({names})")
        }
        Form::ProtocolOptions => {
            let names = flag_names(ProtocolOptions::from_bits_retain(bits));
            write!(f, "{bits:#x} ({names})")
        }
        Form::Speed => {
            let kilobits = number / 10;
            write!(f, "{number} ({} Mbit/s)", kilobits / 1000)
        }
        Form::Version => write!(f, "{}.{}", number >> 8, number & 0xFF),
        Form::Vendor => write!(f, "{bits:#010x}"),
        Form::HardwareStatus => named(
            f,
            number,
            &["ready", "initializing", "reset", "closing", "not ready"],
        ),
        Form::ConnectStatus => named(f, number, &["connected", "disconnected"]),
        _ => write!(f, "{number}"),
    }
}

fn named(f: &mut fmt::Formatter<'_>, number: u64, names: &[&str]) -> fmt::Result {
    let name = usize::try_from(number)
        .ok()
        .and_then(|place| names.get(place));
    match name {
        Some(name) => write!(f, "{number} ({name})"),
        None => write!(f, "{number}"),
    }
}

/// The bytes of a value to set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting(heapless::Vec<u8, REQUEST_BUFFER_SIZE>);

impl Setting {
    /// Reads text in the form of the identifier's value.
    ///
    /// # Errors
    /// It has another form or does not fit a request; what is expected.
    pub(super) fn parse(oid: Oid, text: &str) -> Result<Self, &'static str> {
        let form = Form::of(oid);
        let bytes = match form {
            Form::Filter => filter(text).map(|filter| bytes_of(&filter.to_le_bytes())),
            Form::Address => HardwareAddress::parse(text).map(|address| bytes_of(&address.0)),
            Form::Addresses => addresses(text),
            Form::Bytes | Form::Text | Form::Identifiers | Form::Media => hexadecimal(text),
            _ => number_of(text).map(|number| bytes_of(&number.to_le_bytes())),
        };
        bytes.map(Self).ok_or(form.expected())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn bytes_of(bytes: &[u8]) -> heapless::Vec<u8, REQUEST_BUFFER_SIZE> {
    bytes.iter().copied().take(REQUEST_BUFFER_SIZE).collect()
}

fn number_of(text: &str) -> Option<u32> {
    use crate::configuration::FromText;
    u32::from_text(text)
}

/// A number, or names of kinds of frames joined by commas.
fn filter(text: &str) -> Option<u32> {
    if text.eq_ignore_ascii_case("none") {
        return Some(0);
    }
    number_of(text).or_else(|| {
        text.split(',').try_fold(0, |bits, name| {
            let mut flags = <PacketFilter as bitflags::Flags>::FLAGS.iter();
            let flag = flags.find(|flag| is_named(flag.name(), name))?;
            Some(bits | flag.value().bits())
        })
    })
}

/// Whether it is that name, written with hyphens and in any case.
fn is_named(name: &str, text: &str) -> bool {
    let letters = name.bytes().map(|letter| match letter {
        b'_' => b'-',
        letter => letter.to_ascii_lowercase(),
    });
    letters.eq(text.bytes().map(|letter| letter.to_ascii_lowercase()))
}

fn addresses(text: &str) -> Option<heapless::Vec<u8, REQUEST_BUFFER_SIZE>> {
    let mut bytes = heapless::Vec::new();
    if text.eq_ignore_ascii_case("none") {
        return Some(bytes);
    }
    for address in text.split(',') {
        let address = HardwareAddress::parse(address)?;
        bytes.extend_from_slice(&address.0).ok()?;
    }
    Some(bytes)
}

fn hexadecimal(text: &str) -> Option<heapless::Vec<u8, REQUEST_BUFFER_SIZE>> {
    let (pairs, rest) = text.as_bytes().as_chunks();
    if !rest.is_empty() {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let mut bytes = heapless::Vec::new();
    for &[high, low] in pairs {
        let byte = digit(high)? << 4 | digit(low)?;
        bytes.push(byte as u8).ok()?;
    }
    Some(bytes)
}
