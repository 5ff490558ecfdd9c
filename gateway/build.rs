//! Builds the crate again when the web app was: the embedding macro alone would miss new files.

fn main() {
    println!("cargo:rerun-if-changed=../web/dist");
}
