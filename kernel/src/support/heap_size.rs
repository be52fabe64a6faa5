//! The one value of the command line that is needed before there is a heap, and so
//! before the registry.

/// The key of the heap's size, in KiB.
const KEY: &[u8] = b"Kernel.Heap=";

/// The heap's size in KiB by the command line: the last `Kernel.Heap=KIB` that is a
/// number from 1 to 4294967295.
pub fn configured(command_line: &[u8]) -> Option<u64> {
    command_line
        .split(u8::is_ascii_whitespace)
        .filter_map(value)
        .next_back()
}

fn value(word: &[u8]) -> Option<u64> {
    let (key, value) = word.split_at_checked(KEY.len())?;
    if !key.eq_ignore_ascii_case(KEY) {
        return None;
    }
    let kibibytes: u32 = core::str::from_utf8(value).ok()?.parse().ok()?;
    (kibibytes > 0).then_some(kibibytes.into())
}
