//! Tests that the kernel runs on itself, and how it reports its own end.

use std::time::Duration;
use tests::machine::Options;
use tests::verdict::Verdict;

/// Self tests take a few seconds each.
const LONG: Duration = Duration::from_secs(50);

/// Runs one self test from the console, which gives its line back.
fn run(name: &str) -> String {
    let mut machine = Options::new().boot();
    let output = machine
        .console
        .command_within(&format!("selftest {name}"), LONG);
    machine.power_off();
    assert_eq!(output.len(), 2, "{output:#?}");
    output[0].clone()
}

/// Runs one self test that ends the kernel, and gives the report on the serial port.
#[track_caller]
fn ends_with_a_report(name: &str) -> String {
    let mut machine = Options::new().boot();
    machine.console.type_line(&format!("selftest {name}"));
    let verdict = machine.end();
    let log = machine.serial_log();
    assert_eq!(verdict, Verdict::Fail, "{log}");
    let report = log.find("\n*** ").map(|start| log[start + 1..].to_owned());
    let report = report.unwrap_or_else(|| panic!("no report in:\n{log}"));
    let frames = report
        .lines()
        .skip_while(|line| !line.starts_with("backtrace:"))
        .filter(|line| line.contains(": 0x"))
        .count();
    assert!(frames >= 2, "no backtrace:\n{report}");
    report
}

#[test]
fn all_self_tests_pass() {
    let mut machine = Options::new().boot();
    let output = machine.console.command_within("selftest", LONG);
    let (summary, tests) = output.split_last().expect("output");
    assert!(
        !tests.is_empty() && tests.iter().all(|line| line.starts_with("pass ")),
        "{output:#?}"
    );
    assert_eq!(*summary, format!("{} passed, 0 failed", tests.len()));
    machine.power_off();
}

#[test]
fn a_storm_of_interrupts_changes_no_register() {
    let line = run("interrupts");
    assert!(line.starts_with("pass interrupts:"), "{line}");
}

#[test]
fn the_storm_notices_a_handler_on_the_interrupted_stack() {
    let line = run("interrupts-without-stack");
    assert!(line.starts_with("fail interrupts-without-stack:"), "{line}");
}

#[test]
fn the_storm_notices_a_handler_that_restores_no_sse_register() {
    let line = run("interrupts-without-sse");
    assert!(line.starts_with("fail interrupts-without-sse:"), "{line}");
}

#[test]
fn interrupts_that_no_controller_has_in_service_are_spurious() {
    let line = run("spurious");
    assert_eq!(line, "pass spurious: 1 on line 7, 1 on line 15");
}

#[test]
fn a_panic_is_reported_with_its_place() {
    let report = ends_with_a_report("panic");
    assert!(
        report.starts_with("*** panic at ") && report.contains(".rs:"),
        "{report}"
    );
}

#[test]
fn a_page_fault_is_reported_with_the_registers() {
    let report = ends_with_a_report("page-fault");
    assert!(report.starts_with("*** exception: page fault"), "{report}");
    for register in ["rip", "rsp", "rax", "r15", "rflags"] {
        assert!(
            report.to_lowercase().contains(register),
            "no {register}:\n{report}"
        );
    }
}

#[test]
fn an_overflow_of_a_stack_is_reported_and_no_reset() {
    ends_with_a_report("stack-overflow");
}

#[test]
fn a_backtrace_ends_on_a_stack_that_holds_anything() {
    let mut machine = Options::new().boot();
    machine.console.type_line("selftest corrupt-stack");
    assert_eq!(machine.end(), Verdict::Fail, "{}", machine.serial_log());
}

#[test]
fn an_allocation_after_the_start_is_reported() {
    let report = ends_with_a_report("sealed-heap");
    assert!(report.contains("sealed"), "{report}");
}
