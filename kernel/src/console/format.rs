//! How values are shown.

use core::fmt::{self, Write};

/// A value, or `-` without one.
pub(super) struct OrDash<T>(pub(super) Option<T>);

impl<T: fmt::Display> fmt::Display for OrDash<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => fmt::Display::fmt(value, f),
            None => f.pad("-"),
        }
    }
}

/// A variant's name in small letters.
pub(super) struct Word<T>(pub(super) T);

impl<T: fmt::Debug> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = heapless::String::<32>::new();
        // A longer name is cut.
        let _ = write!(name, "{:?}", self.0);
        name.make_ascii_lowercase();
        f.pad(&name)
    }
}

/// A value padded as text, for types whose `Display` ignores the width.
pub(super) struct Padded<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Padded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = heapless::String::<48>::new();
        // A longer text is cut.
        let _ = write!(text, "{}", self.0);
        f.pad(&text)
    }
}
