//! Object identifiers of an adapter: what it answers, and setting it.

mod name;
mod value;

#[cfg(test)]
mod tests;

use core::fmt::Write;

use ndis::protocol::REQUEST_BUFFER_SIZE;
use ndis::{AdapterHandle, NdisStatus, Oid};

use super::super::Failure;
use super::nic::first_adapter;
use super::{Arguments, CommandError, Outcome, Session};
use name::Identifier;
use value::{Setting, Value};

const OID: &str = "ADAPTER or OID (a name, or a number such as 0x00010107)";

/// An answer, or why there is none.
type Answer<'a> = Result<&'a [u8], NdisStatus>;

pub(super) fn oid(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    let Some(word) = arguments.optional_word()? else {
        let adapter = first_adapter(session)?;
        list(session, adapter);
        return Ok(());
    };
    let (adapter, word) = match session.system.ndis.adapter(word) {
        Some(adapter) => (adapter, arguments.optional_word()?),
        None => (first_adapter(session)?, Some(word)),
    };
    let Some(word) = word else {
        list(session, adapter);
        return Ok(());
    };
    let oid = name::parse(word).ok_or_else(|| Arguments::unknown(word, OID))?;
    let value = arguments.optional_word()?;
    arguments.end()?;
    match value {
        None => show(session, adapter, oid),
        Some(value) => set(session, adapter, oid, value),
    }
}

/// Asks an adapter.
fn ask<'a>(
    session: &Session,
    adapter: AdapterHandle,
    oid: Oid,
    buffer: &'a mut [u8; REQUEST_BUFFER_SIZE],
) -> Answer<'a> {
    let length = session.system.ndis.query_adapter(&adapter, oid, buffer)?;
    buffer.get(..length).ok_or(NdisStatus::INVALID_LENGTH)
}

/// Every identifier that is known, and what else the adapter says it supports.
fn list(session: &mut Session, adapter: AdapterHandle) {
    let _ = writeln!(session.output, "{:<10} {:<31} VALUE", "OID", "NAME");
    for &oid in Oid::KNOWN {
        list_one(session, adapter, oid);
    }
    let mut buffer = [0; REQUEST_BUFFER_SIZE];
    if let Ok(supported) = ask(session, adapter, Oid::GEN_SUPPORTED_LIST, &mut buffer) {
        for oid in value::identifiers(supported).filter(|oid| oid.name().is_none()) {
            list_one(session, adapter, oid);
        }
    }
}

fn list_one(session: &mut Session, adapter: AdapterHandle, oid: Oid) {
    let mut buffer = [0; REQUEST_BUFFER_SIZE];
    let answer = ask(session, adapter, oid, &mut buffer);
    let name = oid.name().unwrap_or("-");
    let _ = write!(session.output, "{:#010x} {name:<31} ", oid.0);
    let _ = match answer {
        Ok(bytes) => writeln!(session.output, "{}", Value { oid, bytes }),
        Err(NdisStatus::NOT_SUPPORTED) if oid.is_set_only() => {
            writeln!(session.output, "(set only)")
        }
        Err(status) => writeln!(session.output, "({status})"),
    };
}

fn show(session: &mut Session, adapter: AdapterHandle, oid: Oid) -> Outcome {
    let mut buffer = [0; REQUEST_BUFFER_SIZE];
    let what = if oid.is_set_only() {
        "it can only be set"
    } else {
        "the adapter does not answer"
    };
    let bytes =
        ask(session, adapter, oid, &mut buffer).map_err(|status| Failure::error(what, status))?;
    let value = Value { oid, bytes };
    let _ = writeln!(session.output, "{} {value:#}", Identifier(oid));
    Ok(())
}

fn set(session: &mut Session, adapter: AdapterHandle, oid: Oid, text: &str) -> Outcome {
    let setting = Setting::parse(oid, text)
        .map_err(|expected| -> CommandError { Arguments::unknown(text, expected) })?;
    let bytes = setting.bytes();
    session
        .system
        .ndis
        .set_adapter(&adapter, oid, bytes)
        .map_err(|status| Failure::error("not set", status))?;
    let value = Value { oid, bytes };
    let _ = writeln!(session.output, "{} set to {value:#}", Identifier(oid));
    Ok(())
}
