//! The engine resolves CPython's data symbols in the program that loads it, so the program must export them.
//! `stack` passes the same two arguments when it compiles this program by itself.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol=Py*");
        println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol=_Py_*");
    }
}
