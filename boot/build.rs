//! Links the loader as a static image at 1 MiB, by `link.ld`.

fn main() {
    let directory = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=link.ld");
    for argument in [
        "-nostartfiles",
        "-static",
        "-no-pie",
        "-Wl,--build-id=none",
        "-Wl,-z,max-page-size=0x1000",
        &format!("-T{directory}/link.ld"),
    ] {
        println!("cargo:rustc-link-arg-bin=boot={argument}");
    }
}
