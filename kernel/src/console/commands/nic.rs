//! The card's registers and ring.

use core::fmt::Write;

use ndis::Oid;
use ne2000::report::{CardReport, OID_CARD};

use super::super::format::Word;
use super::{Arguments, Outcome, Session};

pub(super) fn nic(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    let ndis = session.system.ndis;
    for adapter in ndis.adapters() {
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
    Ok(())
}
