//! How values are shown.

use core::fmt::{self, Write};

use bitflags::{Flag, Flags};

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

/// The names of what is set, joined by commas, in small letters and with hyphens; `none`
/// without any.
pub(super) struct Names<I>(pub(super) I);

impl<I: Iterator<Item = &'static str> + Clone> fmt::Display for Names<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.0.clone().peekable();
        if names.peek().is_none() {
            return f.write_str("none");
        }
        for (place, name) in names.enumerate() {
            if place > 0 {
                f.write_char(',')?;
            }
            name.chars()
                .map(|letter| match letter {
                    '_' => '-',
                    letter => letter.to_ascii_lowercase(),
                })
                .try_for_each(|letter| f.write_char(letter))?;
        }
        Ok(())
    }
}

/// The names of the flags that are set.
pub(super) fn flag_names<F: Flags + Copy>(
    set: F,
) -> Names<impl Iterator<Item = &'static str> + Clone> {
    let flags = F::FLAGS.iter();
    let flags = flags.filter(move |flag| set.contains(F::from_bits_retain(flag.value().bits())));
    Names(flags.map(Flag::name))
}

/// An NDIS version.
pub(super) struct Version(pub(super) (u8, u8));

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.0;
        write!(f, "{major}.{minor}")
    }
}

/// A number given in hundredths.
pub(super) struct Hundredths(pub(super) u64);

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}
