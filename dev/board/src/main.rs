//! Makes the pictures of `docs/manual/dashboards.md` again. Needs Prometheus (`apt-get install prometheus`).
//!
//! ```text
//! cargo run --profile verify -p board
//! ```
//!
//! The tables and pictures are in `docs/plots`. With the argument `draw` the tables stay as they are.

use std::env;
use std::path::Path;

use board::pictures::{PICTURES, draw};
use board::prometheus::Prometheus;

fn main() -> std::io::Result<()> {
    let plots = Path::new("docs/plots");
    if env::args().nth(1).as_deref() != Some("draw") {
        let folder = tempfile::tempdir()?;
        let prometheus = Prometheus::over(&board::days::run(), folder.path());
        for picture in PICTURES {
            picture.evaluate(&prometheus, plots);
        }
    }
    draw(plots);
    Ok(())
}
