//! Words and numbers, as the settings of filters are written on the console and in the registry.

/// The words of `text`: what stands between spaces, commas and semicolons.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| character.is_whitespace() || matches!(character, ',' | ';'))
        .filter(|word| !word.is_empty())
}

/// A number of decimal digits and nothing else.
pub(crate) fn whole_number(text: &str) -> Option<u64> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}
