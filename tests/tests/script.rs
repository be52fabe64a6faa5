//! `qemu-run.sh` from the command line.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Command, Output, Stdio};
use tests::script;

/// Host and guest ports that are forwarded unless told otherwise.
const SERVICES: [(u16, u16); 4] = [(5007, 7), (5009, 9), (5013, 13), (5019, 19)];

fn call(arguments: &[&str]) -> Output {
    Command::new(script::workspace().join("qemu-run.sh"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the script")
}

#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let output = call(&[&["--print"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_default_is_the_isa_card_on_pc_under_tcg() {
    let command = printed(&[]);
    for text in [
        "qemu-system-x86_64 -M pc -accel tcg -m 128M",
        "-device ne2k_isa,iobase=0x300,irq=9,netdev=net0",
        "-device isa-debug-exit,iobase=0xf4,iosize=4",
        "-kernel ",
        "-initrd ",
    ] {
        assert!(command.contains(text), "`{text}` is not in {command}");
    }
    assert!(!command.contains("-append"), "{command}");
}

#[test]
fn every_free_service_port_is_forwarded_for_udp_and_tcp() {
    let output = call(&["--print"]);
    let command = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    for (host, guest) in SERVICES {
        for protocol in ["udp", "tcp"] {
            let rule = format!("hostfwd={protocol}::{host}-:{guest}");
            let taken = format!("host port {host}/{protocol} is taken");
            assert!(
                command.contains(&rule) != told.contains(&taken),
                "{rule}: {command} {told}"
            );
        }
    }
}

#[test]
fn a_port_that_is_taken_is_left_out_and_told() {
    let held = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 5009));
    let output = call(&["--print"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success());
    assert!(
        told.contains("host port 5009/udp is taken: guest port 9 is not forwarded"),
        "{told}"
    );
    assert!(!String::from_utf8_lossy(&output.stdout).contains("hostfwd=udp::5009-:9"));
    drop(held);
}

#[test]
fn options_become_arguments_of_qemu() {
    for (options, text) in [
        (vec!["--pci"], "-device ne2k_pci,netdev=net0"),
        (
            vec!["--irq", "5", "--port", "0x280"],
            "ne2k_isa,iobase=0x280,irq=5,",
        ),
        (vec!["--memory", "16M"], " -m 16M "),
        (
            vec!["--add-card", "isa,0x280,5,dgram,a=b,c=d"],
            "-netdev dgram,id=net1,a=b,c=d -device ne2k_isa,iobase=0x280,irq=5,netdev=net1",
        ),
        (
            vec!["--add-card", "pci,user"],
            "-netdev user,id=net1 -device ne2k_pci,netdev=net1,romfile=",
        ),
        (vec!["--machine", "q35"], " -M q35 "),
        (vec!["--machine", "microvm"], " -M microvm,"),
        (vec!["--machine", "isapc"], " -M isapc -cpu "),
        (vec!["--kvm"], " -accel kvm "),
        (vec!["--debug"], "-gdb tcp::1234 -S"),
        (
            vec!["--pcap", "x.pcap"],
            "filter-dump,id=pcap0,netdev=net0,file=x.pcap",
        ),
        (
            vec!["--net", "tap,ifname=t0,script=no"],
            "-netdev tap,id=net0,ifname=t0,script=no ",
        ),
        (vec!["--net", "none"], "-nic none"),
        (vec!["--append", "A.b=c D.e=f"], "-append 'A.b=c D.e=f'"),
        (
            vec!["--hostfwd", "none", "--hostfwd", "udp::6000-:7"],
            "-netdev user,id=net0,hostfwd=udp::6000-:7 ",
        ),
        (vec!["--iso"], "-boot d -cdrom "),
        (vec!["--no-reboot"], "-no-reboot"),
        (vec!["--", "-d", "int"], "-d int"),
    ] {
        let command = printed(&options);
        assert!(
            command.contains(text),
            "{options:?}: `{text}` is not in {command}"
        );
    }
}

#[test]
fn the_printed_command_is_one_that_a_shell_takes() {
    let command = printed(&["--append", "it's \"a\" $x;"]);
    let output = Command::new("sh")
        .args(["-c", &format!("printf '%s\\n' {command}")])
        .output()
        .expect("a shell");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        words.lines().any(|word| word == "it's \"a\" $x;"),
        "{words}"
    );
}

#[test]
fn wrong_use_is_told_with_status_2() {
    for arguments in [
        ["frobnicate"].as_slice(),
        &["--frobnicate"],
        &["run", "--irq"],
        &["run", "extra"],
    ] {
        let output = call(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn the_end_of_a_run_is_told_by_the_status() {
    script::build();
    let failed = call(&["run", "--no-build", "--hostfwd", "none", "--kernel", "none"]);
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");
    let endless = call(&[
        "run",
        "--no-build",
        "--hostfwd",
        "none",
        "--timeout",
        "1",
        "--",
        "-S",
    ]);
    assert_eq!(endless.status.code(), Some(124), "{endless:?}");
    let refused = call(&[
        "run",
        "--no-build",
        "--hostfwd",
        "none",
        "--machine",
        "no-such-machine",
    ]);
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
}

#[test]
fn help_names_every_command_and_option() {
    let output = call(&["help"]);
    let help = String::from_utf8_lossy(&output.stdout).into_owned();
    for word in [
        "run",
        "build",
        "test",
        "bench",
        "iso",
        "help",
        "--pci",
        "--irq",
        "--port",
        "--machine",
        "--memory",
        "--append",
        "--net",
        "--hostfwd",
        "--pcap",
        "--debug",
        "--iso",
        "--kernel",
        "--serial",
        "--timeout",
        "--kvm",
        "--no-reboot",
        "--no-build",
        "--print",
        "--print0",
    ] {
        assert!(
            help.contains(&format!("\n  {word} ")),
            "`{word}` is not in:\n{help}"
        );
    }
}
