//! The pictures of the board show what the board asks for.

use std::fs;
use std::path::Path;

use board::pictures::PICTURES;

fn plots() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/plots"))
}

#[test]
fn each_table_was_made_with_the_expressions_of_the_board() {
    for picture in PICTURES {
        let expressions: Vec<String> = picture.expressions().into_iter().map(|(expression, _)| expression).collect();
        let evaluated = picture.evaluated(plots());
        assert!(!evaluated.is_empty(), "{}: nothing to see", picture.name);
        assert!(
            evaluated.iter().all(|expression| expressions.contains(expression)),
            "{}: the panel has changed: run `cargo run --profile verify -p board`",
            picture.name
        );
    }
}

#[test]
fn each_picture_is_that_of_its_table() {
    for picture in PICTURES {
        let drawn = fs::read_to_string(plots().join(picture.file())).expect("a picture");
        assert!(drawn == picture.draw(plots()), "{}: run `cargo run -p board -- draw`", picture.file());
    }
}

#[test]
fn the_manual_shows_each_picture() {
    let page = include_str!("../../../docs/manual/dashboards.md");
    for picture in PICTURES {
        assert!(page.contains(&picture.file()), "docs/manual/dashboards.md does not show {}", picture.file());
    }
}
