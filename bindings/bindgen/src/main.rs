//! uniffi's generator, of the version that the library is built with; apart, so that the library does not carry it.

fn main() {
    uniffi::uniffi_bindgen_main();
}
