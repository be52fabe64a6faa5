//! The date and time of day as the real-time clock keeps them.

use crate::machine::Date;

/// Registers of the real-time clock (MC146818) that hold date and time, in the order of
/// [`from_registers`].
pub const DATE_REGISTERS: [u8; 6] = [0x00, 0x02, 0x04, 0x07, 0x08, 0x09];

/// Status register B: hours count to 24, not to 12.
const HOURS_24: u8 = 1 << 1;
/// Status register B: numbers are binary, not decimal digits.
const BINARY: u8 = 1 << 2;
/// Hours register, when hours count to 12: afternoon.
const AFTERNOON: u8 = 1 << 7;

/// The date from the values of [`DATE_REGISTERS`] and of status register B; `None` if
/// that is no date, as where there is no clock. The clock keeps the last two digits of
/// a year, which are taken for 1970 to 2069.
pub fn from_registers(values: [u8; 6], status_b: u8) -> Option<Date> {
    let [second, minute, hour, day, month, year] = values;
    let number = |value| {
        if status_b & BINARY != 0 {
            Some(value)
        } else {
            from_decimal_digits(value)
        }
    };
    let hour = if status_b & HOURS_24 != 0 {
        number(hour)?
    } else {
        let twelve = number(hour & !AFTERNOON).filter(|hour| (1..=12).contains(hour))?;
        twelve % 12 + if hour & AFTERNOON != 0 { 12 } else { 0 }
    };
    let year = u16::from(number(year).filter(|year| *year < 100)?);
    let date = Date {
        year: year + if year < 70 { 2000 } else { 1900 },
        month: number(month)?,
        day: number(day)?,
        hour,
        minute: number(minute)?,
        second: number(second)?,
    };
    let valid = (1..=12).contains(&date.month)
        && (1..=31).contains(&date.day)
        && date.hour < 24
        && date.minute < 60
        && date.second < 60;
    valid.then_some(date)
}

/// A number from two decimal digits of four bits each.
fn from_decimal_digits(value: u8) -> Option<u8> {
    let (tens, ones) = (value >> 4, value & 0x0f);
    (tens <= 9 && ones <= 9).then_some(tens * 10 + ones)
}
