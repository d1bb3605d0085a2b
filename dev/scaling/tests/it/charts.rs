//! The charts.

use scaling::plot::{Axis, Chart, Scale, Series};

fn chart(points: Vec<(f64, f64)>, scale: Scale) -> String {
    let series = vec![Series { name: "one < two".to_owned(), points }];
    let (title, description) = ("A title".to_owned(), "A & description".to_owned());
    Chart { title, description, x: Axis::new("rate", scale), y: Axis::new("ms", scale), series }.svg()
}

#[test]
fn a_chart_has_a_title_a_description_and_both_colour_schemes() {
    let svg = chart(vec![(1.0, 2.0), (10.0, 20.0)], Scale::Logarithmic);
    for part in ["<title id=\"title\">A title<", "A &amp; description", "one &lt; two", "prefers-color-scheme:dark"] {
        assert!(svg.contains(part), "{part} in {svg}");
    }
}

#[test]
fn every_point_lies_within_the_picture() {
    for scale in [Scale::Linear, Scale::Logarithmic] {
        for points in [vec![(5.0, 5.0)], vec![(1.0, 0.001), (1e9, 7e5)], vec![]] {
            let svg = chart(points, scale);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
