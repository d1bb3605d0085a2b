//! The plots, as data: which series each one has. The points of a plot are written beside it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::rows::Rows;
use crate::svg::{Plot, Series, Shape};

const GRANTS: &[f64] = &[1e3, 1e5, 1e6];
const ROTATIONS: &[f64] = &[1.0, 10.0, 100.0, 1e3, 1e4];

/// Part, unit, divisor, and the work before the number of each point.
type From = (&'static str, &'static str, f64, &'static str);

/// Writes the plots that have figures, each with its points. Returns the text for the page.
pub(crate) fn write(rows: &Rows, folder: &Path) -> Vec<(&'static str, Option<String>)> {
    fs::create_dir_all(folder).expect("docs/plots");
    let core = [("regrant", "regrant"), ("oxide-auth", "oxide-auth"), ("oauth-as", "oauth-as")];
    let logout = lines(rows, ("process", "ns", 1000.0, "logout/"), GRANTS, &core);
    let theft = lines(rows, ("process", "ns", 1000.0, "theft/"), GRANTS, &core);
    let memory = lines(rows, ("growth", "B", 1.0, "live-after-rotations/"), ROTATIONS, &core);
    let form = [
        ("regrant", "regrant"),
        ("oxide-auth", "oxide-auth"),
        ("oauth-as", "oauth-as"),
        ("oauth-as, retry window", "oauth-as-retry"),
    ];
    let form = bars(rows, ("process", "ns", 1000.0, "refresh-form/1000"), &form);
    let http = [
        ("bare handler", "bare"),
        ("regrant, axum", "regrant-axum"),
        ("regrant, tower", "regrant-hyper"),
        ("regrant, actix-web", "regrant-actix-web"),
        ("oxide-auth, axum", "oxide-auth"),
        ("oauth-as, axum", "oauth-as"),
        ("@node-oauth", "node-oauth"),
        ("oidc-provider", "oidc-provider"),
    ];
    let http = bars(rows, ("http", "server CPU us/request", 1.0, "refresh, 32 connections"), &http);
    let stores = |store: &str| {
        let subjects = [("statements alone", "floor"), ("regrant", "regrant"), ("tower-sessions", "tower-sessions")];
        let work: &'static str = format!("{store} refresh/").leak();
        lines(rows, ("stores", "per second", 1.0, work), &[1.0, 8.0, 32.0], &subjects)
    };
    let plots = [
        ("plot logout", "Time of a logout", "grants in memory", "µs", Shape::Lines, logout),
        (
            "plot theft",
            "Time to detect a spent token and revoke its grant",
            "grants in memory",
            "µs",
            Shape::Lines,
            theft,
        ),
        ("plot memory", "Live heap of a grant", "rotations", "bytes", Shape::Lines, memory),
        (
            "plot refresh-form",
            "A refresh in process, form bytes to JSON bytes, 10³ grants",
            "",
            "µs",
            Shape::Bars,
            form,
        ),
        ("plot http", "A refresh over HTTP, 32 connections", "", "µs of server CPU", Shape::Bars, http),
        ("plot sqlite", "Refreshes a second on SQLite", "tasks", "a second", Shape::Lines, stores("sqlite")),
        ("plot postgres", "Refreshes a second on PostgreSQL", "tasks", "a second", Shape::Lines, stores("postgres")),
        ("plot redis", "Refreshes a second on Redis", "tasks", "a second", Shape::Lines, stores("redis")),
    ];
    let mut texts = Vec::new();
    for (mark, title, x, y, shape, series) in plots {
        if series.is_empty() {
            continue;
        }
        let name = mark.trim_start_matches("plot ");
        let plot = Plot { title, x, y, shape, series };
        fs::write(folder.join(name).with_extension("svg"), plot.draw()).expect("a plot");
        fs::write(folder.join(name).with_extension("tsv"), points(&plot)).expect("its points");
        texts.push((mark, Some(format!("![{title}](plots/{name}.svg) [(figures)](plots/{name}.tsv)"))));
    }
    texts
}

fn lines(rows: &Rows, (part, unit, divisor, work): From, at: &[f64], subjects: &[(&str, &str)]) -> Vec<Series> {
    let series = subjects.iter().map(|(name, subject)| {
        let points = at.iter().filter_map(|&x| {
            let spread = rows.spread(part, unit, (&format!("{work}{x:.0}"), subject))?;
            Some((x, spread.median / divisor))
        });
        Series { name: (*name).to_owned(), points: points.collect() }
    });
    series.filter(|series| !series.points.is_empty()).collect()
}

fn bars(rows: &Rows, (part, unit, divisor, work): From, subjects: &[(&str, &str)]) -> Vec<Series> {
    let series = subjects.iter().filter_map(|(name, subject)| {
        let value = rows.spread(part, unit, (work, subject))?.median / divisor;
        Some(Series { name: (*name).to_owned(), points: vec![(0.0, value)] })
    });
    series.collect()
}

fn points(plot: &Plot) -> String {
    let mut text = format!("series\t{}\t{}\n", if plot.x.is_empty() { "place" } else { plot.x }, plot.y);
    for series in &plot.series {
        for (x, y) in &series.points {
            writeln!(text, "{}\t{x}\t{y:.3}", series.name).expect("memory");
        }
    }
    text
}
