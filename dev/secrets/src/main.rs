//! Measures the time of refusals, or runs a process whose memory is searched.
//!
//! ```text
//! cargo run --profile verify -p secrets -- timing --seconds 600
//! ```

use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["timing", "--seconds", seconds] if seconds.parse::<u64>().is_ok() => {
            let seconds = seconds.parse().unwrap_or_default();
            secrets::timing::report(Duration::from_secs(seconds));
        }
        ["child", kind] => secrets::child::run(kind),
        _ => {
            eprintln!("usage: secrets timing --seconds SECONDS");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
