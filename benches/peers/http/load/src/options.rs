//! The command line.

use std::env;
use std::fmt::Debug;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::Work;

pub(crate) struct Options {
    /// Names and commands.
    pub(crate) servers: Vec<(String, String)>,
    pub(crate) connections: Vec<usize>,
    pub(crate) work: Vec<Work>,
    pub(crate) turns: usize,
    pub(crate) length: Duration,
    pub(crate) warm: usize,
    pub(crate) rate: f64,
    pub(crate) part: String,
    pub(crate) out: Option<PathBuf>,
}

impl Options {
    pub(crate) fn read() -> Self {
        let mut options = Self {
            servers: Vec::new(),
            connections: vec![1, 8, 32],
            work: vec![Work::Refresh, Work::Introspect],
            turns: 5,
            length: Duration::from_secs(1),
            warm: 20_000,
            rate: 0.0,
            part: "http".to_owned(),
            out: None,
        };
        let mut arguments = env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().unwrap_or_else(|| panic!("{name} has no value"));
            match name.as_str() {
                "--server" => {
                    let (name, command) = value.split_once('=').expect("--server NAME=COMMAND");
                    options.servers.push((name.to_owned(), command.to_owned()));
                }
                "--connections" => options.connections = list(&value),
                "--work" => options.work = list(&value),
                "--turns" => options.turns = parse(&value),
                "--seconds" => options.length = Duration::from_secs_f64(parse(&value)),
                "--warm" => options.warm = parse(&value),
                "--rate" => options.rate = parse(&value),
                "--part" => options.part = value,
                "--out" => options.out = Some(value.into()),
                _ => panic!("unknown option {name}"),
            }
        }
        assert!(!options.servers.is_empty(), "at least one --server NAME=COMMAND");
        options
    }
}

impl FromStr for Work {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let works = [Self::Refresh, Self::Introspect];
        works.into_iter().find(|work| work.name() == name).ok_or_else(|| format!("unknown work {name:?}"))
    }
}

fn list<T: FromStr<Err: Debug>>(value: &str) -> Vec<T> {
    value.split(',').map(parse).collect()
}

fn parse<T: FromStr<Err: Debug>>(value: &str) -> T {
    value.parse().unwrap_or_else(|error| panic!("{value:?}: {error:?}"))
}
