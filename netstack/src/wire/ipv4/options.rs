//! The options of an IPv4 header (RFC 791 section 3.1, RFC 1122 section
//! 3.2.1.8).

/// One option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Option<'a> {
    /// Copied flag, class and number.
    pub kind: u8,
    /// What follows kind and length.
    pub data: &'a [u8],
}

/// Option kinds.
pub mod kind {
    /// End of the option list.
    pub const END: u8 = 0;
    /// No operation.
    pub const NO_OPERATION: u8 = 1;
    /// Record route.
    pub const RECORD_ROUTE: u8 = 7;
    /// Internet timestamp.
    pub const TIMESTAMP: u8 = 68;
    /// Loose source and record route.
    pub const LOOSE_SOURCE_ROUTE: u8 = 131;
    /// Strict source and record route.
    pub const STRICT_SOURCE_ROUTE: u8 = 137;
}

/// The option list runs over the end of the header, or an option is shorter
/// than its own kind and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Iterates over the options, no-operations and the end of the list left out.
/// After a malformed option it ends.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    rest: &'a [u8],
}

impl<'a> Options<'a> {
    /// The options in `bytes`, which are what lies between the fixed header
    /// and the payload.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = Result<Option<'a>, Malformed>;

    fn next(&mut self) -> core::option::Option<Self::Item> {
        while let Some((&kind, rest)) = self.rest.split_first() {
            match kind {
                kind::END => break,
                kind::NO_OPERATION => self.rest = rest,
                _ => {
                    let option = rest
                        .split_first()
                        .and_then(|(&length, rest)| {
                            rest.split_at_checked(usize::from(length).checked_sub(2)?)
                        })
                        .ok_or(Malformed);
                    self.rest = option.map_or(&[], |(_, rest)| rest);
                    return Some(option.map(|(data, _)| Option { kind, data }));
                }
            }
        }
        self.rest = &[];
        None
    }
}
