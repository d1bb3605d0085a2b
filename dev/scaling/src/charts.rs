//! The charts of `docs/scaling.md`, drawn from the tables beside them.

use std::fs;
use std::path::Path;

use crate::plot::{Axis, Chart, Scale, Series};
use crate::table::Table;

/// Draws each chart whose table exists.
pub fn draw(folder: &Path) {
    for (name, chart) in
        [("scaling-load", load(folder)), ("scaling-knee", knee(folder)), ("scaling-bloat", bloat(folder))]
    {
        if let Some(chart) = chart {
            fs::write(folder.join(format!("{name}.svg")), chart.svg()).expect("a file for the chart");
        }
    }
}

/// Latencies of the stores at shares of their highest rate.
fn load(folder: &Path) -> Option<Chart> {
    let table = Table::read(&folder.join("scaling-stores.tsv"))?;
    let [store, phase, purge] = ["store", "phase", "purge"].map(|name| table.column(name));
    let [rate, p99, grants] = ["offered_per_s", "p99_ms", "grants"].map(|name| table.column(name));
    let count = |row: &[String]| row[grants].parse::<u64>().unwrap_or(0);
    let is_largest =
        |row: &[String]| table.rows.iter().all(|other| other[store] != row[store] || count(other) <= count(row));
    let mut series: Vec<Series> = Vec::new();
    for row in table.rows.iter().filter(|row| row[phase] != "closed" && is_largest(row)) {
        let name = row[store].split(',').next().unwrap_or_default();
        let name = if row[purge] == "yes" { format!("{name}, purge") } else { name.to_owned() };
        add(&mut series, name, &row[rate], &row[p99]);
    }
    Some(Chart {
        title: "99th percentile at 1 %, 10 % and 100 % of the highest rate".to_owned(),
        description: "Latency of refreshes and introspections, half of each, on each store, with and without a purge \
                      beside them. The numbers are in scaling-stores.tsv."
            .to_owned(),
        x: Axis::new("requests per second", Scale::Logarithmic),
        y: Axis::new("99th percentile, ms", Scale::Logarithmic),
        series,
    })
}

/// Latencies of simulated deployments under growing load.
fn knee(folder: &Path) -> Option<Chart> {
    let table = Table::read(&folder.join("scaling-curves.tsv"))?;
    let [store, nodes, shards] = ["store", "nodes", "shards"].map(|name| table.column(name));
    let [rate, p99] = ["rate_per_s", "p99_ms"].map(|name| table.column(name));
    let mut series: Vec<Series> = Vec::new();
    let shown = [("10", "1"), ("100", "10"), ("1000", "100")];
    for row in table.rows.iter().filter(|row| shown.contains(&(row[nodes].as_str(), row[shards].as_str()))) {
        let name = format!("{}, {} : {}", row[store], row[nodes], row[shards]);
        add(&mut series, name, &row[rate], &row[p99]);
    }
    Some(Chart {
        title: "Simulated 99th percentile, nodes : shards".to_owned(),
        description:
            "Latency of simulated deployments of 10, 100 and 1000 nodes under growing load. Each curve is flat \
                      up to its knee. The numbers are in scaling-curves.tsv."
                .to_owned(),
        x: Axis::new("requests per second", Scale::Logarithmic),
        y: Axis::new("99th percentile, ms", Scale::Logarithmic),
        series,
    })
}

/// Size of a PostgreSQL table over the rotations of its grants.
fn bloat(folder: &Path) -> Option<Chart> {
    let table = Table::read(&folder.join("scaling-bloat.tsv"))?;
    let rotations = table.column("rotations_per_grant");
    let lines = [("table_bytes_per_grant", "table"), ("index_bytes_per_grant", "indexes"), ("record_bytes", "record")];
    let mut series = Vec::new();
    for (column, name) in lines {
        let column = table.column(column);
        table.rows.iter().for_each(|row| add(&mut series, name.to_owned(), &row[rotations], &row[column]));
    }
    Some(Chart {
        title: "PostgreSQL: bytes per grant over its rotations".to_owned(),
        description:
            "Size of the table, of its indexes and of a record while all grants are rotated. The numbers are in \
                      scaling-bloat.tsv."
                .to_owned(),
        x: Axis::new("rotations of each grant", Scale::Linear),
        y: Axis::new("bytes per grant", Scale::Linear),
        series,
    })
}

fn add(series: &mut Vec<Series>, name: String, x: &str, y: &str) {
    let (Ok(x), Ok(y)) = (x.parse(), y.parse()) else { return };
    match series.iter_mut().find(|line| line.name == name) {
        Some(line) => line.points.push((x, y)),
        None => series.push(Series { name, points: vec![(x, y)] }),
    }
}
