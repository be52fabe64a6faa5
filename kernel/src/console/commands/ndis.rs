//! What the NDIS wrapper knows: adapters, protocols, bindings.

use core::fmt::Write;

use ndis::{AdapterHandle, AdapterReport, AdapterState};

use super::super::format::{Hundredths, OrDash, Padded, Version, flag_names};
use super::filter::find;
use super::{Arguments, Outcome, Session};

pub(super) fn ndis(session: &mut Session, arguments: &mut Arguments<'_>) -> Outcome {
    arguments.end()?;
    adapters(session);
    usage(session);
    stacks(session);
    protocols(session);
    bindings(session);
    Ok(())
}

/// What each adapter is.
fn adapters(session: &mut Session) {
    let output = &mut session.output;
    let _ = writeln!(
        output,
        "{:<12} {:<10} {:<4} {:<8} {:<8} {:<4} {:<17} {:>5} {:<8} IRQ",
        "ADAPTER", "DRIVER", "NDIS", "STATE", "MEDIUM", "LINK", "ADDRESS", "MTU", "BUS"
    );
    for adapter in session.system.ndis.adapter_reports() {
        let link = if adapter.is_media_connected {
            "up"
        } else {
            "down"
        };
        let _ = writeln!(
            output,
            "{:<12} {:<10} {:<4} {:<8} {:<8} {link:<4} {:<17} {:>5} {:<8} {}",
            adapter.name,
            adapter.driver,
            Padded(Version(adapter.version)),
            adapter.state,
            adapter.medium,
            Padded(adapter.hardware_address),
            adapter.maximum_frame_size,
            adapter.bus,
            OrDash(adapter.interrupt_line)
        );
    }
}

/// Who uses each adapter that was ever started, and how much.
fn usage(session: &mut Session) {
    let output = &mut session.output;
    let _ = writeln!(
        output,
        "\n{:<12} {:<12} {:<12} {:>8} {:>6} {:>7} {:>10} {:>10} FILTER",
        "ADAPTER",
        "ABOVE",
        "COVERED-BY",
        "BINDINGS",
        "QUEUED",
        "PENDING",
        "INTERRUPTS",
        "FRAMES/INT"
    );
    let reports = session.system.ndis.adapter_reports();
    for adapter in reports.filter(|adapter| adapter.state != AdapterState::Added) {
        let _ = writeln!(
            output,
            "{:<12} {:<12} {:<12} {:>8} {:>6} {:>7} {:>10} {:>10} {}",
            adapter.name,
            OrDash(adapter.above),
            OrDash(adapter.covered_by),
            adapter.bindings,
            adapter.queued_sends,
            adapter.pending_sends,
            adapter.counters.interrupts,
            OrDash(frames_per_interrupt(&adapter)),
            flag_names(adapter.packet_filter)
        );
    }
}

fn frames_per_interrupt(adapter: &AdapterReport) -> Option<Padded<Hundredths>> {
    let hundredths = adapter.frames_per_interrupt_in_hundredths()?;
    Some(Padded(Hundredths(hundredths)))
}

/// The filters on each adapter that is none, from bottom to top.
fn stacks(session: &mut Session) {
    let output = &mut session.output;
    let _ = writeln!(output, "\nSTACK");
    let filters = session.system.filters;
    let is_bottom = |adapter: &AdapterHandle| find(filters, adapter.name()).is_none();
    for bottom in session.system.ndis.adapters().filter(is_bottom) {
        let _ = write!(output, "{}", bottom.name());
        // One adapter in a stack covers at most one other.
        let mut next = bottom.covered_by();
        while let Some(adapter) = next {
            let _ = write!(output, " < {}", adapter.name());
            next = adapter.covered_by();
        }
        let _ = writeln!(output);
    }
}

fn protocols(session: &mut Session) {
    let output = &mut session.output;
    let _ = writeln!(output, "\n{:<12} {:<4} BINDINGS", "PROTOCOL", "NDIS");
    for protocol in session.system.ndis.protocol_reports() {
        let _ = writeln!(
            output,
            "{:<12} {:<4} {}",
            protocol.name,
            Padded(Version(protocol.version)),
            protocol.bindings
        );
    }
}

fn bindings(session: &mut Session) {
    let output = &mut session.output;
    let _ = writeln!(
        output,
        "\n{:<12} {:<12} {:>9} {:>10} {:>10} {:>10} FILTER",
        "PROTOCOL", "ADAPTER", "MULTICAST", "INDICATED", "ACCEPTED", "SENT"
    );
    for binding in session.system.ndis.binding_reports() {
        let _ = writeln!(
            output,
            "{:<12} {:<12} {:>9} {:>10} {:>10} {:>10} {}",
            binding.protocol,
            binding.adapter,
            binding.multicast_addresses,
            binding.counters.frames_indicated,
            binding.counters.frames_accepted,
            binding.counters.sends_done,
            flag_names(binding.packet_filter)
        );
    }
}
