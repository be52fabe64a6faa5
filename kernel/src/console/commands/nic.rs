//! The card's registers and ring, and its reset.

use core::fmt::Write;

use executive::Duration;
use ndis::{AdapterHandle, BusType, NdisStatus, Oid};
use ne2000::report::{CardReport, OID_CARD};

use super::super::Failure;
use super::super::format::Word;
use super::{Arguments, CommandError, Outcome, Session};
use crate::system::System;

/// How long the console waits for the end of a reset: the wrapper ends one that hangs
/// after four seconds, when it looks, which it does every two.
const RESET_TIMEOUT: Duration = Duration::from_secs(8);
/// How often it looks.
const RESET_POLL: Duration = Duration::from_millis(1);
/// What a word behind `nic` may be.
const FORMS: &str = "`reset` or nothing";
/// What names an adapter.
pub(super) const ADAPTER: &str = "ADAPTER (`ndis` lists them)";

pub(super) fn nic(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    match arguments.optional_word()? {
        None => {
            show(session);
            Ok(())
        }
        Some("reset") => {
            let adapter = match arguments.optional_word()? {
                None => first_adapter(session)?,
                Some(name) => named_adapter(session, name)?,
            };
            arguments.end()?;
            reset(session, adapter)
        }
        Some(other) => Err(Arguments::unknown(other, FORMS)),
    }
}

/// Every adapter with hardware: a card's registers, or what the adapter is doing.
fn show(session: &mut Session) {
    let ndis = session.system.ndis;
    for adapter in hardware(session.system) {
        let mut answer = [0; CardReport::LENGTH];
        let answered = ndis.query_adapter(&adapter, Oid(OID_CARD), &mut answer);
        let report = answered.ok().and_then(|_| CardReport::from_bytes(&answer));
        let _ = match report {
            Some(report) => writeln!(session.output, "adapter {} {report}", adapter.name()),
            None => writeln!(
                session.output,
                "adapter {} {}",
                adapter.name(),
                Word(adapter.state())
            ),
        };
    }
}

/// The adapters that are on a bus; the others only pass on what they are asked.
pub(super) fn hardware(system: &System) -> impl Iterator<Item = AdapterHandle> {
    let adapters = system.ndis.adapters().zip(system.ndis.adapter_reports());
    adapters
        .filter(|(_, report)| report.bus != BusType::Internal)
        .map(|(adapter, _)| adapter)
}

/// The adapter of that name.
pub(super) fn named_adapter(session: &Session, name: &str) -> Result<AdapterHandle, CommandError> {
    let adapter = session.system.ndis.adapter(name);
    adapter.ok_or_else(|| Arguments::unknown(name, ADAPTER))
}

/// The first card, or the first adapter where there is no card.
pub(super) fn first_adapter(session: &Session) -> Result<AdapterHandle, CommandError> {
    let system = session.system;
    let first = hardware(system).chain(system.ndis.adapters()).next();
    first.ok_or_else(|| Failure::error("no adapter", "none was found"))
}

/// Resets an adapter by NDIS, as a protocol would, and waits for the end.
fn reset(session: &mut Session, adapter: AdapterHandle) -> Outcome {
    let executive = session.system.executive;
    let failures = adapter.counters().resets_failed;
    let begun = executive.now();
    let status = session.system.ndis.reset_adapter(&adapter);
    if !status.is_success() {
        return Err(Failure::error("reset", status));
    }
    while adapter.is_resetting() {
        let now = executive.now();
        if now.duration_since(begun) >= RESET_TIMEOUT {
            return Err(Failure::error("reset", "it has not ended"));
        }
        if !session.sleep_until(now + RESET_POLL) {
            return Err(Failure::error("reset", "not waited for"));
        }
    }
    if adapter.counters().resets_failed != failures {
        return Err(Failure::error("reset", NdisStatus::FAILURE));
    }
    let time = executive.now().duration_since(begun);
    let _ = writeln!(
        session.output,
        "reset {}: {} in {} us",
        adapter.name(),
        NdisStatus::SUCCESS,
        time.as_micros()
    );
    Ok(())
}
