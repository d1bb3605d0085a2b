//! Runs behind `docs/scaling.md`. `dev/scaling/run` runs all of them.
//!
//! ```text
//! cargo run --profile verify -p scaling -- postgres --grants 10000000
//! cargo run --profile verify -p scaling -- redis --grants 4000000
//! cargo run --profile verify -p scaling -- sqlite --grants 10000000
//! cargo run --profile verify -p scaling -- bloat
//! cargo run --profile verify -p scaling -- model
//! cargo run --profile verify -p scaling -- plots
//! ```
//!
//! Each command writes its tables, and `plots` the charts, into `docs/plots`.

#![expect(clippy::expect_used, reason = "a program for measurements: one that cannot go on stops")]

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use scaling::model::deployment::Costs;
use scaling::model::scenarios::{faults, knees};
use scaling::stores::{self, Results, Size};
use scaling::table::Table;
use scaling::{bloat, charts};

/// Measures large stores, and simulates many nodes.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Folder of the tables and charts.
    #[arg(long, global = true, default_value = "docs/plots")]
    out: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Loads a PostgreSQL server and measures it.
    Postgres {
        #[command(flatten)]
        size: Sizes,
        /// Partitions of the table; 0 for none.
        #[arg(long, default_value_t = 16)]
        partitions: u16,
        /// Further settings of the server, for example `wal_compression=lz4`.
        #[arg(long)]
        setting: Vec<String>,
    },
    /// Loads a Redis Cluster and measures it.
    Redis {
        #[command(flatten)]
        size: Sizes,
    },
    /// Loads a SQLite file and measures it.
    Sqlite {
        #[command(flatten)]
        size: Sizes,
    },
    /// Measures a PostgreSQL table under many rotations.
    Bloat {
        /// Number of grants.
        #[arg(long, default_value_t = 20_000)]
        grants: u64,
        /// Rotations of each grant.
        #[arg(long, default_value_t = 20)]
        rotations: u64,
    },
    /// Simulates nodes and shards.
    Model,
    /// Draws the charts of the tables.
    Plots,
}

#[derive(Args)]
struct Sizes {
    /// Number of grants.
    #[arg(long)]
    grants: u64,
    /// Sessions that are refreshed and introspected.
    #[arg(long, default_value_t = 200_000)]
    sample: u64,
    /// Length of a window in seconds.
    #[arg(long, default_value_t = 6.0)]
    seconds: f64,
    /// Windows of a phase.
    #[arg(long, default_value_t = 5)]
    windows: u64,
}

fn main() {
    let Arguments { command, out } = Arguments::parse();
    std::fs::create_dir_all(&out).expect("a folder for the tables");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match command {
        Command::Postgres { size, partitions, setting } => {
            save(&out, &runtime.block_on(stores::postgres(size.into(), partitions, &setting)));
        }
        Command::Redis { size } => save(&out, &runtime.block_on(stores::redis(size.into()))),
        Command::Sqlite { size } => save(&out, &runtime.block_on(stores::sqlite(size.into()))),
        Command::Bloat { grants, rotations } => {
            runtime.block_on(bloat::run(grants, rotations)).write(&out.join("scaling-bloat.tsv"));
        }
        Command::Model => model(&out),
        Command::Plots => charts::draw(&out),
    }
}

/// Replaces the rows of the measured store.
fn save(out: &Path, results: &Results) {
    for (table, file) in [(&results.phases, "scaling-stores.tsv"), (&results.sizes, "scaling-sizes.tsv")] {
        table.replace_in(&out.join(file));
    }
}

fn model(out: &Path) {
    let runs = Table::read(&out.join("scaling-stores.tsv")).expect("runs on the stores, whose times are used");
    let stores: Vec<Costs> = [Costs::of_postgres(&runs), Costs::of_redis(&runs)].into_iter().flatten().collect();
    let (knees, curves) = knees(&stores);
    knees.write(&out.join("scaling-knees.tsv"));
    curves.write(&out.join("scaling-curves.tsv"));
    // The effect of a fault is the same for every store; one is enough.
    if let Some(costs) = stores.first() {
        let [nodes, shards] = costs.limits(&costs.system(4, 4));
        faults(costs, 4, 4, 0.5 * nodes.min(shards)).write(&out.join("scaling-faults.tsv"));
    }
}

impl From<Sizes> for Size {
    fn from(Sizes { grants, sample, seconds, windows }: Sizes) -> Self {
        Self { grants, sample, seconds, windows }
    }
}
