//! Page arithmetic and header checks.

use ne2000::ring::{FrameHeader, FrameVerdict, HeaderFault, Ring};
use proptest::prelude::*;

fn ring() -> Ring {
    Ring::new(0x4C, 0x80).expect("a ring")
}

#[test]
fn a_ring_has_pages() {
    assert_eq!(Ring::new(0x4C, 0x4C), None);
    assert_eq!(Ring::new(0x80, 0x4C), None);
    assert_eq!(
        (ring().start(), ring().stop(), ring().pages()),
        (0x4C, 0x80, 52)
    );
}

#[test]
fn page_before_the_first_is_the_last() {
    // Not PSTART - 1, which is a page the chip never compares with.
    assert_eq!(ring().before(0x4C), 0x7F);
    assert_eq!(ring().after(0x7F, 1), 0x4C);
    assert_eq!(ring().distance(0x7F, 0x4C), 1);
    assert_eq!(ring().distance(0x4C, 0x4C), 0);
}

#[test]
fn addresses_wrap_at_the_end() {
    assert_eq!(ring().address(0x7F, 0x1_01), 0x4C01);
    assert_eq!(ring().bytes_to_end(0x7F40), 0xC0);
}

#[test]
fn good_header_is_accepted() {
    let header = FrameHeader::from_bytes([0x21, 0x52, 0xEE, 0x05]);
    let checked = header.check(ring(), 0x4C, 6).expect("a good header");
    assert_eq!(checked.verdict, FrameVerdict::Accept(1514));
    assert_eq!((checked.next, checked.pages), (0x52, 6));
    assert_eq!(
        header.check(ring(), 0x4C, 5),
        Err(HeaderFault::BeyondCurrent)
    );
}

proptest! {
    #[test]
    fn distance_undoes_after(page in 0x4C_u8..0x80, count in 0_u8..52) {
        let other = ring().after(page, count);
        prop_assert!(ring().contains(other));
        prop_assert_eq!(ring().distance(page, other), count);
        prop_assert_eq!(ring().before(ring().after(page, 1)), page);
    }

    #[test]
    fn an_accepted_header_leads_forward_within_what_is_filled(
        bytes in any::<[u8; 4]>(),
        page in 0x4C_u8..0x80,
        filled in 1_u8..=52,
    ) {
        if let Ok(checked) = FrameHeader::from_bytes(bytes).check(ring(), page, filled) {
            prop_assert!(ring().contains(checked.next));
            prop_assert!((1..=filled).contains(&checked.pages));
            prop_assert_eq!(ring().after(page, checked.pages), checked.next);
            if let FrameVerdict::Accept(length) = checked.verdict {
                prop_assert!((60..=1518).contains(&length));
                prop_assert!(length + 4 <= usize::from(checked.pages) * 256);
            }
        }
    }
}
