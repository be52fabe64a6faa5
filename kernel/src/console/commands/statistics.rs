//! Commands that print what is counted.

use core::fmt::Write;

use super::{Arguments, Outcome, Session};

/// Which counters to show.
enum Selection<'a> {
    NotZero,
    All,
    Layer(&'a str),
}

impl Selection<'_> {
    fn includes(&self, path: &str, value: u64) -> bool {
        match self {
            Self::NotZero => value != 0,
            Self::All => true,
            Self::Layer(layer) => path.split('.').next() == Some(*layer),
        }
    }
}

pub(super) fn stats(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let word = arguments.optional_word()?;
    arguments.end()?;
    let selection = match word {
        None => Selection::NotZero,
        Some("all") => Selection::All,
        Some(layer) => Selection::Layer(layer),
    };
    let output = &mut session.output;
    let (mut shown, mut total, mut zero) = (0_u32, 0_u32, 0_u32);
    session.system.counters(&mut |path, counter, value| {
        total += 1;
        zero += u32::from(value == 0);
        if selection.includes(path, value) {
            shown += 1;
            let _ = writeln!(output, "{path}.{counter} {value}");
        }
    });
    if let (Selection::Layer(layer), 0) = (&selection, shown) {
        return Err(Arguments::unknown(layer, "`all` or the name of a layer"));
    }
    let _ = writeln!(output, "{total} counters, {zero} at 0");
    Ok(())
}

pub(super) fn mem(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    let output = &mut session.output;
    session.system.pools(&mut |name, figures| {
        let _ = writeln!(
            output,
            "pool {name:<16} used {:>5} peak {:>5} size {:>5} failures {}",
            figures.used, figures.peak, figures.size, figures.failures
        );
    });
    let memory = session.system.machine.memory();
    let _ = writeln!(
        output,
        "heap used {} peak {} size {} sealed {}",
        memory.heap_used,
        memory.heap_peak,
        memory.heap,
        if memory.sealed { "yes" } else { "no" }
    );
    let _ = writeln!(
        output,
        "frames free {} total {}",
        memory.physical_free / FRAME,
        memory.physical / FRAME
    );
    Ok(())
}

/// Size of a page frame in bytes.
const FRAME: u64 = 4096;
