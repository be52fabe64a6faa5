//! Names and numbers of object identifiers.

use core::fmt;

use ndis::Oid;

/// What stands in front of a name in `ntddndis.h`.
const PREFIX: &str = "OID_";
/// A name cannot begin with a digit, so `802_3_...` has this in front.
const IEEE: &str = "IEEE_";

/// Displays the name and the number.
pub(super) struct Identifier(pub(super) Oid);

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.name() {
            Some(name) => write!(f, "{name} {:#010x}", self.0.0),
            None => write!(f, "{:#010x}", self.0.0),
        }
    }
}

/// An identifier by its name, with or without `OID_` and in any case, or by its number,
/// eight hexadecimal digits at most behind `0x`.
pub(super) fn parse(word: &str) -> Option<Oid> {
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        return is_number
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
            .map(Oid);
    }
    let word = without_prefix(word, PREFIX);
    let wanted = without_prefix(word, IEEE);
    let is_wanted = |oid: &&Oid| {
        let name = oid.name().map(|name| without_prefix(name, IEEE));
        name.is_some_and(|name| name.eq_ignore_ascii_case(wanted))
    };
    Oid::KNOWN.iter().find(is_wanted).copied()
}

/// The rest behind a prefix in any case; all of it without the prefix.
fn without_prefix<'a>(word: &'a str, prefix: &str) -> &'a str {
    match word.split_at_checked(prefix.len()) {
        Some((start, rest)) if start.eq_ignore_ascii_case(prefix) => rest,
        _ => word,
    }
}
