//! The tables and plots of `docs/performance.md`, from the raw figures.
//!
//! ```text
//! report FOLDER             prints the tables of the *.tsv files in the folder
//! report FOLDER --write     and writes them into docs/performance.md, and the plots into docs/plots
//! ```
//!
//! A table, or a plot, stands between `<!-- peers: NAME -->` and `<!-- end -->`. Those without figures stay.

mod plots;
mod rows;
mod svg;
mod tables;
mod targets;

use std::path::Path;
use std::{env, fs};

use rows::Rows;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (folder, writes) = match &arguments[..] {
        [folder] => (Path::new(folder), false),
        [folder, option] if option == "--write" => (Path::new(folder), true),
        _ => panic!("report FOLDER [--write]"),
    };
    let rows = Rows::read(folder);
    let mut tables = tables::all(&rows);
    tables.push(("targets", targets::table(&rows)));
    if let Ok(machine) = fs::read_to_string(folder.join("machine.md")) {
        tables.push(("machine", Some(machine)));
    }
    for (name, table) in &tables {
        if let Some(table) = table {
            println!("{name}:\n\n{table}");
        }
    }
    if writes {
        let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs"));
        tables.extend(plots::write(&rows, &docs.join("plots")));
        let page = docs.join("performance.md");
        let mut text = fs::read_to_string(&page).expect("docs/performance.md");
        for (name, table) in tables {
            if let Some(table) = table {
                text = replace(&text, name, &table);
            }
        }
        fs::write(page, text).expect("docs/performance.md");
    }
}

/// Returns the page with another table between the marks of `name`.
fn replace(page: &str, name: &str, table: &str) -> String {
    let mark = format!("<!-- peers: {name} -->\n");
    let (before, after) = page.split_once(&mark).unwrap_or_else(|| panic!("docs/performance.md lacks {mark}"));
    let (_, after) = after.split_once("<!-- end -->").expect("each mark has an end");
    format!("{before}{mark}\n{}\n\n<!-- end -->{after}", table.trim())
}
