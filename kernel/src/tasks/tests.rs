use super::{chargen, daytime};
use crate::machine::Date;

#[test]
fn rfc864_pattern_has_lines_of_72_characters() {
    let mut buffer = [0; 512];
    assert_eq!(chargen::fill(&mut buffer, 512), 512);
    let lines: std::vec::Vec<_> = buffer.split(|&byte| byte == b'\n').collect();
    assert_eq!(lines[0].len(), 73);
    assert!(lines[0].starts_with(b" !\"#"));
    assert!(lines[1].starts_with(b"!\"#$"));
    assert!(
        buffer
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n'))
    );
}

#[test]
fn rfc864_answer_may_be_empty() {
    assert_eq!(chargen::fill(&mut [0; 4], 0), 0);
}

#[test]
fn rfc867_answer_is_one_line() {
    let date = Date {
        year: 1982,
        month: 2,
        day: 2,
        hour: 7,
        minute: 59,
        second: 9,
    };
    let mut buffer = [0; 64];
    let length = daytime::answer(Some(date), &mut buffer);
    assert_eq!(&buffer[..length], b"02 FEB 82 07:59:09 UTC\r\n");
}

#[test]
fn rfc867_answer_without_a_clock_says_so() {
    let mut buffer = [0; 64];
    let length = daytime::answer(None, &mut buffer);
    assert_eq!(&buffer[..length], b"no clock\r\n");
}
