//! The layers depend on each other in one direction only: no arrow points up.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use tests::script;

/// Which packages of the workspace each of them may use, without what its own tests use.
const ARROWS: [(&str, &[&str]); 11] = [
    ("rt", &[]),
    ("boot", &["rt"]),
    ("executive", &[]),
    ("ndis", &["executive"]),
    ("loopback", &["ndis"]),
    ("ne2000", &["executive", "ndis"]),
    ("netstack", &["executive", "ndis"]),
    // Of `netstack` the formats of headers (`wire`), so that there is one description of each.
    ("filters", &["executive", "ndis", "netstack"]),
    ("afd", &["executive", "ndis", "netstack"]),
    (
        "kernel",
        &[
            "rt",
            "executive",
            "ndis",
            "loopback",
            "ne2000",
            "netstack",
            "filters",
            "afd",
        ],
    ),
    ("tests", &[]),
];

/// Packages that end up on the bare machine: there is no `std` there.
const BARE_METAL: [&str; 10] = [
    "rt",
    "boot",
    "executive",
    "ndis",
    "loopback",
    "ne2000",
    "netstack",
    "filters",
    "afd",
    "kernel",
];

fn cargo_tree(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(script::workspace())
        .args(["tree", "--locked", "--edges", "normal"])
        .args(arguments);
    let answer = command.output().expect("cargo");
    assert!(
        answer.status.success(),
        "cargo tree {arguments:?}: {}",
        String::from_utf8_lossy(&answer.stderr)
    );
    String::from_utf8_lossy(&answer.stdout).into_owned()
}

/// The packages of the workspace that each of them depends on itself.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<String> = ARROWS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let tree = cargo_tree(&[
        "--workspace",
        "--depth",
        "1",
        "--prefix",
        "depth",
        "--format",
        " {p}",
    ]);
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (Some("0"), Some(name)) => {
                name.clone_into(&mut current);
                arrows.entry(current.clone()).or_default();
            }
            (Some("1"), Some(name)) if members.contains(name) => {
                arrows
                    .entry(current.clone())
                    .or_default()
                    .insert(name.to_owned());
            }
            _ => {}
        }
    }
    arrows
}

#[test]
fn every_package_uses_only_those_below_it() {
    let arrows = arrows();
    let known: BTreeSet<_> = ARROWS.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<_> = arrows.keys().map(String::as_str).collect();
    assert_eq!(found, known, "the packages of the workspace");
    for (name, allowed) in ARROWS {
        let upwards: Vec<_> = arrows[name]
            .iter()
            .filter(|used| !allowed.contains(&used.as_str()))
            .collect();
        assert!(upwards.is_empty(), "{name} must not use {upwards:?}");
    }
}

#[test]
fn nothing_on_the_bare_machine_asks_for_std() {
    for name in BARE_METAL {
        let tree = cargo_tree(&[
            "--package",
            name,
            "--prefix",
            "none",
            "--format",
            "{p} features: {f}",
        ]);
        for line in tree.lines() {
            let features = line.split("features: ").nth(1).unwrap_or_default();
            assert!(
                !features.split(',').any(|feature| feature == "std"),
                "{name} reaches `{line}`"
            );
        }
    }
}
