//! The commands that a sandbox calls, and nothing else. `lime` has the same two; this small program is
//! what the tests of this crate bind into their sandboxes, since they cannot depend on `lime`.

use std::process::ExitCode;

fn main() -> ExitCode {
    workers::sandbox::inner_main(std::env::args_os()).map_or(ExitCode::from(2), ExitCode::from)
}
