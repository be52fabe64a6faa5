//! A panic in a simulated thread stops the dispatching at once, so that the
//! destructors that run while it unwinds cause no thread switch.

use core::cell::Cell;
use std::boxed::Box;
use std::sync::Once;

use crate::executive::Executive;

std::thread_local! {
    /// The executive whose thread this host thread is.
    static EXECUTIVE: Cell<Option<&'static Executive>> = const { Cell::new(None) };
}

static HOOK: Once = Once::new();

/// The calling host thread runs threads of `executive` from now on.
pub(super) fn belong_to(executive: &'static Executive) {
    EXECUTIVE.set(Some(executive));
    HOOK.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |information| {
            if let Some(executive) = EXECUTIVE.get() {
                executive.halt();
            }
            report(information);
        }));
    });
}
