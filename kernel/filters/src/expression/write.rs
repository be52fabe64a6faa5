//! From an expression back to words.

use core::fmt;

use super::{Expression, MAXIMUM_STEPS, Step};

/// The words that parse to the same expression; nothing for the one that takes every packet.
impl fmt::Display for Expression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.steps.len().checked_sub(1) {
            None => Ok(()),
            Some(last) => self.write(formatter, last, &self.sizes()),
        }
    }
}

impl Expression {
    /// How many steps the operand that ends with each step has.
    fn sizes(&self) -> [usize; MAXIMUM_STEPS] {
        let mut sizes = [0; MAXIMUM_STEPS];
        for (index, step) in self.steps.iter().enumerate() {
            let size_at = |back: usize| {
                let at = index.checked_sub(back);
                at.and_then(|at| sizes.get(at)).copied().unwrap_or(0)
            };
            let size = match step {
                Step::Test(_) => 1,
                Step::Not => 1 + size_at(1),
                Step::And | Step::Or => 1 + size_at(1) + size_at(1 + size_at(1)),
            };
            if let Some(place) = sizes.get_mut(index) {
                *place = size;
            }
        }
        sizes
    }

    /// Writes the operand that ends with step `last`. The steps bound the depth.
    fn write(
        &self,
        formatter: &mut fmt::Formatter<'_>,
        last: usize,
        sizes: &[usize; MAXIMUM_STEPS],
    ) -> fmt::Result {
        let Some(step) = self.steps.get(last) else {
            return Ok(());
        };
        let right = last.saturating_sub(1);
        let left = right.saturating_sub(sizes.get(right).copied().unwrap_or(0));
        let word = match step {
            Step::Test(primitive) => return write!(formatter, "{primitive}"),
            Step::Not => {
                formatter.write_str("not ")?;
                return self.write_closed(formatter, right, sizes);
            }
            Step::And => "and",
            Step::Or => "or",
        };
        // From the left they need no parentheses.
        self.write(formatter, left, sizes)?;
        write!(formatter, " {word} ")?;
        self.write_closed(formatter, right, sizes)
    }

    /// The same, in parentheses if it is joined by `and` or `or`.
    fn write_closed(
        &self,
        formatter: &mut fmt::Formatter<'_>,
        last: usize,
        sizes: &[usize; MAXIMUM_STEPS],
    ) -> fmt::Result {
        if matches!(self.steps.get(last), Some(Step::And | Step::Or)) {
            formatter.write_str("(")?;
            self.write(formatter, last, sizes)?;
            formatter.write_str(")")
        } else {
            self.write(formatter, last, sizes)
        }
    }
}
