//! The same scenes for each library in Rust that rotates refresh tokens: a public client with bearer tokens, a store in
//! memory, default settings. Prints a table with the outcomes.

mod library;
mod scene;

use library::LIBRARIES;
use scene::SCENES;

fn main() {
    println!("| scene | {} |", LIBRARIES.map(|(name, _)| name).join(" | "));
    println!("|---|{}", "---|".repeat(LIBRARIES.len()));
    for (title, play) in SCENES {
        let outcomes = LIBRARIES.map(|(_, create)| play(&mut *create()));
        println!("| {title} | {} |", outcomes.join(" | "));
    }
}
