//! The time of day (RFC 867).

use core::fmt::Write;

use crate::machine::Date;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

/// Writes the answer in the syntax that RFC 867 takes from SMTP
/// (`02 FEB 82 07:59:59 UTC`) and ends it with CR LF; gives its length.
pub(super) fn answer(date: Option<Date>, buffer: &mut [u8]) -> usize {
    let mut text = heapless::String::<40>::new();
    // The longest text has 24 characters, so nothing is cut.
    let _ = match date {
        Some(date) => {
            let month = usize::from(date.month)
                .checked_sub(1)
                .and_then(|index| MONTHS.get(index))
                .unwrap_or(&"???");
            write!(
                text,
                "{:02} {month} {:02} {:02}:{:02}:{:02} UTC\r\n",
                date.day,
                date.year % 100,
                date.hour,
                date.minute,
                date.second
            )
        }
        None => write!(text, "no clock\r\n"),
    };
    let length = text.len().min(buffer.len());
    for (place, &byte) in buffer.iter_mut().zip(text.as_bytes()) {
        *place = byte;
    }
    length
}
