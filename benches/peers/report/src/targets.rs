//! The targets: ratios and figures that were promised, and whether they are reached.

use crate::rows::{Of, Rows, digits};

struct Target {
    text: &'static str,
    part: &'static str,
    unit: &'static str,
    one: Of<'static>,
    /// The figure itself is the target without another.
    other: Option<Of<'static>>,
    limit: Limit,
}

#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

use Limit::{AtLeast, AtMost};

macro_rules! targets {
    ($($part:literal $unit:literal: $text:literal, $one:expr $(, / $other:expr)?; $limit:expr);* $(;)?) => {
        &[$(Target { text: $text, part: $part, unit: $unit, one: $one, other: targets!(@ $($other)?), limit: $limit }),*]
    };
    (@ $other:expr) => { Some($other) };
    (@) => { None };
}

#[rustfmt::skip]
const TARGETS: &[Target] = targets! {
    "process" "ns": "refresh, 10³ grants / oxide-auth `RefreshFlow`", ("refresh/1000", "regrant"), / ("refresh/1000", "oxide-auth"); AtMost(0.90);
    "process" "ns": "the same, form bytes to JSON bytes / `RefreshFlow` with the form parsed", ("refresh-form/1000", "regrant"), / ("refresh/1000", "oxide-auth"); AtMost(1.15);
    "process" "ns": "refresh, 10³ grants / floor", ("refresh/1000", "regrant"), / ("refresh/1000", "floor"); AtMost(6.0);
    "process" "ns": "refresh, 10⁶ grants / oxide-auth `RefreshFlow`", ("refresh/1000000", "regrant"), / ("refresh/1000000", "oxide-auth"); AtMost(0.65);
    "process" "ns": "introspect, 10³ grants / floor of a refresh", ("introspect/1000", "regrant"), / ("introspect/1000", "floor-of-refresh"); AtMost(3.0);
    "process" "ns": "introspect, 10⁶ grants / oxide-auth `ResourceFlow`", ("introspect/1000000", "regrant"), / ("introspect/1000000", "oxide-auth"); AtMost(1.0);
    "process" "ns": "refresh, form to JSON, 10³ grants / oauth-as", ("refresh-form/1000", "regrant"), / ("refresh-form/1000", "oauth-as"); AtMost(0.80);
    "process" "ns": "the same, 10⁶ grants", ("refresh-form/1000000", "regrant"), / ("refresh-form/1000000", "oauth-as"); AtMost(0.75);
    "process" "ns": "introspect, form to JSON, 10³ grants / oauth-as", ("introspect-form/1000", "regrant"), / ("introspect-form/1000", "oauth-as"); AtMost(1.1);
    "http" "server CPU us/request": "HTTP refresh, axum, 32 connections / bare handler", ("refresh, 32 connections", "regrant-axum"), / ("refresh, 32 connections", "bare"); AtMost(1.45);
    "http" "server CPU us/request": "HTTP refresh, tower, 32 connections / bare handler", ("refresh, 32 connections", "regrant-hyper"), / ("refresh, 32 connections", "bare"); AtMost(1.45);
    "http" "server CPU us/request": "HTTP refresh / oxide-auth on axum", ("refresh, 32 connections", "regrant-axum"), / ("refresh, 32 connections", "oxide-auth"); AtMost(0.90);
    "http" "server CPU us/request": "HTTP refresh / oauth-as on axum", ("refresh, 32 connections", "regrant-axum"), / ("refresh, 32 connections", "oauth-as"); AtMost(0.90);
    "http" "server CPU us/request": "HTTP refresh: @node-oauth / regrant on axum", ("refresh, 32 connections", "node-oauth"), / ("refresh, 32 connections", "regrant-axum"); AtLeast(6.0);
    "http" "server CPU us/request": "HTTP refresh: oidc-provider / regrant on axum", ("refresh, 32 connections", "oidc-provider"), / ("refresh, 32 connections", "regrant-axum"); AtLeast(14.0);
    "http" "p99 us": "HTTP refresh, p99 at 32 connections / bare handler", ("refresh, 32 connections", "regrant-axum"), / ("refresh, 32 connections", "bare"); AtMost(1.4);
    "heap" "1": "allocations of a refresh", ("allocations/refresh", "regrant"); AtMost(8.0);
    "heap" "1": "allocations of an introspection", ("allocations/introspect", "regrant"); AtMost(3.0);
    "heap" "1": "allocations of a refresh, form to JSON", ("allocations/refresh-form", "regrant"); AtMost(16.0);
    "growth" "B": "live heap of a grant after 10 rotations, bytes", ("live-after-rotations/10", "regrant"); AtMost(700.0);
    "process" "ns": "logout: 10⁶ grants / 10⁵ grants (a scan: 10)", ("logout/1000000", "regrant"), / ("logout/100000", "regrant"); AtMost(2.0);
    "process" "ns": "theft detection: 10⁶ grants / 10⁵ grants (a scan: 10)", ("theft/1000000", "regrant"), / ("theft/100000", "regrant"); AtMost(2.0);
    "process" "ns": "a page of 100 grants: 10⁶ grants / 10⁵ grants (a scan: 10)", ("page/1000000", "regrant"), / ("page/100000", "regrant"); AtMost(2.0);
    "stores" "per second": "SQLite introspect, 1 task / floor", ("sqlite introspect/1", "regrant"), / ("sqlite introspect/1", "floor"); AtLeast(0.60);
    "stores" "per second": "SQLite introspect, 8 tasks / floor", ("sqlite introspect/8", "regrant"), / ("sqlite introspect/8", "floor"); AtLeast(0.60);
    "stores" "per second": "SQLite refresh, 1 task / floor", ("sqlite refresh/1", "regrant"), / ("sqlite refresh/1", "floor"); AtLeast(0.80);
    "stores" "per second": "PostgreSQL refresh, 1 task / floor", ("postgres refresh/1", "regrant"), / ("postgres refresh/1", "floor"); AtLeast(0.92);
    "stores" "per second": "PostgreSQL refresh, 8 tasks / floor", ("postgres refresh/8", "regrant"), / ("postgres refresh/8", "floor"); AtLeast(0.92);
    "stores" "per second": "PostgreSQL refresh, 32 tasks / floor", ("postgres refresh/32", "regrant"), / ("postgres refresh/32", "floor"); AtLeast(0.92);
    "stores" "per second": "Redis refresh, 1 task / floor", ("redis refresh/1", "regrant"), / ("redis refresh/1", "floor"); AtLeast(0.92);
    "stores" "per second": "Redis refresh, 8 tasks / floor", ("redis refresh/8", "regrant"), / ("redis refresh/8", "floor"); AtLeast(0.92);
    "stores" "per second": "Redis refresh, 32 tasks / floor", ("redis refresh/32", "regrant"), / ("redis refresh/32", "floor"); AtLeast(0.92);
    "stores" "per second": "PostgreSQL introspect, 8 tasks / floor", ("postgres introspect/8", "regrant"), / ("postgres introspect/8", "floor"); AtLeast(0.90);
    "stores" "per second": "Redis introspect, 8 tasks / floor", ("redis introspect/8", "regrant"), / ("redis introspect/8", "floor"); AtLeast(0.90);
    "stores" "1": "statements of a refresh on PostgreSQL", ("postgres statements a refresh", "regrant"); AtMost(2.0);
    "stores" "1": "rows that a refresh leaves in PostgreSQL", ("postgres rows left by a refresh", "regrant"); AtMost(0.0);
};

/// Returns the table; `None` without a figure.
pub(crate) fn table(rows: &Rows) -> Option<String> {
    let lines: Vec<String> = TARGETS.iter().filter_map(|target| target.line(rows)).collect();
    let head = "| target | limit | measured | |\n|---|--:|--:|---|\n";
    (!lines.is_empty()).then(|| format!("{head}{}\n", lines.join("\n")))
}

impl Target {
    fn line(&self, rows: &Rows) -> Option<String> {
        let measured = match self.other {
            Some(other) => rows.ratio(self.part, self.unit, self.one, other)?,
            None => rows.spread(self.part, self.unit, self.one)?,
        };
        let (sign, limit, is_reached) = match self.limit {
            AtMost(limit) => ('≤', limit, measured.median <= limit),
            AtLeast(limit) => ('≥', limit, measured.median >= limit),
        };
        let verdict = if is_reached { "reached" } else { "**missed**" };
        let spread = match self.other {
            Some(_) => format!(" [{} {}]", digits(measured.low), digits(measured.high)),
            None => String::new(),
        };
        let Self { text, .. } = self;
        Some(format!("| {text} | {sign} {} | {}{spread} | {verdict} |", digits(limit), digits(measured.median)))
    }
}
