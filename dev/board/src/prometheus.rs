//! Expressions, evaluated by Prometheus over recorded scrapes.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use testbed::unused_address;

/// A running Prometheus (Debian package `prometheus`). It is killed when it is dropped.
#[derive(Debug)]
pub struct Prometheus {
    process: Child,
    url: String,
}

/// A series of a result: its labels, and its values with their times in seconds.
#[derive(Clone, Debug)]
pub struct Line {
    /// Labels, as a JSON object.
    pub labels: Value,
    /// Times and values.
    pub points: Vec<(u64, f64)>,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

impl Prometheus {
    /// Starts a server that has scraped this text, in the text format of `OpenMetrics`. Its files are in `folder`.
    #[must_use]
    pub fn over(text: &str, folder: &Path) -> Self {
        let [scrapes, settings, blocks] = ["scrapes.txt", "prometheus.yml", "blocks"].map(|name| folder.join(name));
        fs::write(&scrapes, text).expect("a file");
        fs::write(&settings, "scrape_configs: []\n").expect("a file");
        let blocks_made = promtool(&["tsdb", "create-blocks-from", "openmetrics"])
            .args([&scrapes, &blocks])
            .stdout(Stdio::null())
            .status()
            .expect("promtool can be run");
        assert!(blocks_made.success(), "promtool: {blocks_made}");
        let address = unused_address();
        let process = Command::new("prometheus")
            .arg(format!("--config.file={}", settings.display()))
            .arg(format!("--storage.tsdb.path={}", blocks.display()))
            .arg("--storage.tsdb.retention.time=100y")
            .arg(format!("--web.listen-address={address}"))
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus can be run");
        let server = Self { process, url: format!("http://{address}") };
        while server.query(&["instant"], &["1"]).is_none() {
            thread::sleep(Duration::from_millis(200));
        }
        server
    }

    /// Evaluates `expression` at each `step` seconds from `start` to `end`.
    #[must_use]
    pub fn range(&self, expression: &str, start: u64, end: u64, step: u64) -> Vec<Line> {
        let options = [format!("--start={start}"), format!("--end={end}"), format!("--step={step}s")];
        let options = ["range", &options[0], &options[1], &options[2]];
        let result = self.query(&options, &[expression]).unwrap_or_else(|| panic!("no answer to {expression}"));
        let points = |series: &Value| {
            let points = series["values"].as_array().expect("values").iter();
            points.map(|point| (point[0].as_u64().expect("a time in seconds"), number(&point[1]))).collect()
        };
        let series = result.as_array().expect("a matrix").iter();
        series.map(|series| Line { labels: series["metric"].clone(), points: points(series) }).collect()
    }

    fn query(&self, kind: &[&str], expression: &[&str]) -> Option<Value> {
        let output = promtool(&["query", "--format=json"])
            .args(kind)
            .arg(&self.url)
            .args(expression)
            .stderr(Stdio::null())
            .output()
            .expect("promtool can be run");
        output.status.success().then(|| serde_json::from_slice(&output.stdout).expect("JSON"))
    }
}

/// A value. Prometheus writes it as text, because JSON has no NaN.
fn number(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).expect("a number")
}

fn promtool(arguments: &[&str]) -> Command {
    let mut command = Command::new("promtool");
    command.args(arguments);
    command
}
