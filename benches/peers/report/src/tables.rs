//! The tables, as data: which figures stand where.

use std::fmt::Write as _;

use crate::rows::{Of, Rows, Spread, digits};

struct Table {
    name: &'static str,
    part: &'static str,
    unit: &'static str,
    /// Figures are divided by this.
    divisor: f64,
    /// Head of the first column.
    head: &'static str,
    /// Head of each column, and the text around the work of a line.
    columns: &'static [(&'static str, &'static str, &'static str)],
    lines: &'static [Line],
}

/// Title, work and subject of a line, and the ratio in parentheses.
type Line = (&'static str, &'static str, &'static str, Ratio);

#[derive(Clone, Copy)]
enum Ratio {
    None,
    /// The work of this subject, divided by the line.
    Of(Of<'static>),
    /// The line, divided by the same work of this subject.
    To(&'static str),
}

use Ratio::{Of as RatioOf, To};

const GRANTS: &[(&str, &str, &str)] =
    &[("1 grant", "", "/1"), ("10³ grants", "", "/1000"), ("10⁶ grants", "", "/1000000")];
const MANY: &[(&str, &str, &str)] =
    &[("10³ grants", "", "/1000"), ("10⁵ grants", "", "/100000"), ("10⁶ grants", "", "/1000000")];
const TASKS: &[(&str, &str, &str)] = &[("1 task", "", "/1"), ("8 tasks", "", "/8"), ("32 tasks", "", "/32")];
const CONNECTIONS: &[(&str, &str, &str)] = &[
    ("1 connection", "", ", 1 connections"),
    ("8 connections", "", ", 8 connections"),
    ("32 connections", "", ", 32 connections"),
];
const ROTATIONS: &[(&str, &str, &str)] =
    &[("1", "", "/1"), ("10", "", "/10"), ("100", "", "/100"), ("1000", "", "/1000"), ("10 000", "", "/10000")];

const TYPED: Ratio = RatioOf(("refresh", "regrant"));
const FORM: Ratio = RatioOf(("refresh-form", "regrant"));
const ASKED: Ratio = RatioOf(("introspect", "regrant"));
const ASKED_FORM: Ratio = RatioOf(("introspect-form", "regrant"));

const TABLES: &[Table] = &[
    Table {
        name: "refresh",
        part: "process",
        unit: "ns",
        divisor: 1000.0,
        head: "one refresh with rotation, µs",
        columns: GRANTS,
        lines: &[
            ("**regrant**, call", "refresh", "regrant", Ratio::None),
            ("floor", "refresh", "floor", TYPED),
            ("oxide-auth `RefreshFlow`, form map to JSON text", "refresh", "oxide-auth", TYPED),
            ("oxide-auth `Issuer`, no flow", "refresh", "oxide-auth-issuer", TYPED),
            ("oauth-as, call", "refresh", "oauth-as", TYPED),
            ("oauth-as with its retry window, call", "refresh", "oauth-as-retry", TYPED),
            ("**regrant**, form bytes to JSON bytes", "refresh-form", "regrant", Ratio::None),
            ("oxide-auth, form bytes to JSON bytes", "refresh-form", "oxide-auth", FORM),
            ("oauth-as, form bytes to JSON bytes", "refresh-form", "oauth-as", FORM),
            ("oauth-as with its retry window, the same", "refresh-form", "oauth-as-retry", FORM),
        ],
    },
    Table {
        name: "introspect",
        part: "process",
        unit: "ns",
        divisor: 1000.0,
        head: "one introspection, µs",
        columns: GRANTS,
        lines: &[
            ("**regrant**, call", "introspect", "regrant", Ratio::None),
            ("floor", "introspect", "floor", ASKED),
            ("floor of a refresh", "introspect", "floor-of-refresh", ASKED),
            ("oxide-auth `ResourceFlow`", "introspect", "oxide-auth", ASKED),
            ("oxide-auth `recover_token`, no flow", "introspect", "oxide-auth-issuer", ASKED),
            ("oauth-as, call", "introspect", "oauth-as", ASKED),
            ("**regrant**, form bytes with secret to JSON bytes", "introspect-form", "regrant", Ratio::None),
            ("oauth-as, form bytes with secret to JSON bytes", "introspect-form", "oauth-as", ASKED_FORM),
        ],
    },
    Table {
        name: "other",
        part: "process",
        unit: "ns",
        divisor: 1000.0,
        head: "one call, µs",
        columns: MANY,
        lines: &[
            ("**regrant**, replay of a lost answer", "replay", "regrant", Ratio::None),
            ("oauth-as with its retry window, the same", "replay", "oauth-as-retry", To("regrant")),
            ("**regrant**, garbage refused", "garbage", "regrant", Ratio::None),
            ("oauth-as, garbage refused", "garbage", "oauth-as", To("regrant")),
            ("**regrant**, forged token refused", "forged", "regrant", Ratio::None),
            ("**regrant**, issue and revoke", "issue-revoke", "regrant", Ratio::None),
            ("oxide-auth, issue and revoke", "issue-revoke", "oxide-auth", To("regrant")),
            ("**regrant**, logout", "logout", "regrant", Ratio::None),
            ("oxide-auth, logout", "logout", "oxide-auth", To("regrant")),
            ("oauth-as, logout", "logout", "oauth-as", To("regrant")),
            ("**regrant**, a spent token revokes the grant", "theft", "regrant", Ratio::None),
            ("oauth-as, the same", "theft", "oauth-as", To("regrant")),
            ("**regrant**, a page of 100 grants", "page", "regrant", Ratio::None),
        ],
    },
    Table {
        name: "heap",
        part: "heap",
        unit: "1",
        divisor: 1.0,
        head: "allocations of one call",
        columns: &[
            ("refresh", "allocations/refresh", ""),
            ("the same, form to JSON", "allocations/refresh-form", ""),
            ("introspect", "allocations/introspect", ""),
            ("the same, form to JSON", "allocations/introspect-form", ""),
        ],
        lines: &[
            ("**regrant**", "", "regrant", Ratio::None),
            ("floor", "", "floor", Ratio::None),
            ("oxide-auth", "", "oxide-auth", Ratio::None),
            ("oxide-auth without a flow", "", "oxide-auth-issuer", Ratio::None),
            ("oauth-as", "", "oauth-as", Ratio::None),
            ("oauth-as with its retry window", "", "oauth-as-retry", Ratio::None),
        ],
    },
    Table {
        name: "python",
        part: "python",
        unit: "ns",
        divisor: 1000.0,
        head: "form bytes to JSON bytes, µs",
        columns: &[("refresh", "refresh-form/1000", ""), ("introspect", "introspect-form/1000", "")],
        lines: &[
            ("**regrant**", "", "regrant", Ratio::None),
            ("Authlib", "", "authlib", To("regrant")),
            ("oauthlib", "", "oauthlib", To("regrant")),
        ],
    },
    Table {
        name: "stores",
        part: "stores",
        unit: "per second",
        divisor: 1.0,
        head: "a second",
        columns: TASKS,
        lines: &[
            ("SQLite, refresh: **regrant**", "sqlite refresh", "regrant", To("floor")),
            ("SQLite, load and save: tower-sessions", "sqlite refresh", "tower-sessions", To("floor")),
            ("PostgreSQL, refresh: **regrant**", "postgres refresh", "regrant", To("floor")),
            ("PostgreSQL, load and save: tower-sessions", "postgres refresh", "tower-sessions", To("floor")),
            ("MariaDB, refresh: **regrant**", "mariadb refresh", "regrant", To("floor")),
            ("Redis, refresh: **regrant**", "redis refresh", "regrant", To("floor")),
            ("Redis, load and save: tower-sessions", "redis refresh", "tower-sessions", To("floor")),
            ("SQLite, introspect: **regrant**", "sqlite introspect", "regrant", To("floor")),
            ("SQLite, load: tower-sessions", "sqlite introspect", "tower-sessions", To("floor")),
            ("PostgreSQL, introspect: **regrant**", "postgres introspect", "regrant", To("floor")),
            ("PostgreSQL, load: tower-sessions", "postgres introspect", "tower-sessions", To("floor")),
            ("MariaDB, introspect: **regrant**", "mariadb introspect", "regrant", To("floor")),
            ("Redis, introspect: **regrant**", "redis introspect", "regrant", To("floor")),
            ("Redis, load: tower-sessions", "redis introspect", "tower-sessions", To("floor")),
        ],
    },
    Table {
        name: "rotations",
        part: "growth",
        unit: "B",
        divisor: 1.0,
        head: "live heap of a grant in bytes, after rotations",
        columns: ROTATIONS,
        lines: &[
            ("**regrant**", "live-after-rotations", "regrant", Ratio::None),
            ("oxide-auth", "live-after-rotations", "oxide-auth", Ratio::None),
            ("oauth-as", "live-after-rotations", "oauth-as", Ratio::None),
            ("oauth-as with its retry window", "live-after-rotations", "oauth-as-retry", Ratio::None),
        ],
    },
    Table {
        name: "rotations-time",
        part: "growth",
        unit: "ns",
        divisor: 1000.0,
        head: "µs of a refresh, and of an introspection, after rotations",
        columns: ROTATIONS,
        lines: &[
            ("**regrant**, refresh", "refresh-after-rotations", "regrant", Ratio::None),
            ("oxide-auth, refresh", "refresh-after-rotations", "oxide-auth", Ratio::None),
            ("oauth-as, refresh", "refresh-after-rotations", "oauth-as", Ratio::None),
            ("**regrant**, introspect", "introspect-after-rotations", "regrant", Ratio::None),
            ("oxide-auth, introspect", "introspect-after-rotations", "oxide-auth", Ratio::None),
            ("oauth-as, introspect", "introspect-after-rotations", "oauth-as", Ratio::None),
        ],
    },
    Table {
        name: "grants",
        part: "growth",
        unit: "B",
        divisor: 1.0,
        head: "bytes of a grant",
        columns: &[
            ("10³ grants", "", "/1000"),
            ("10⁵ grants", "", "/100000"),
            ("10⁶ grants", "", "/1000000"),
            ("10⁷ grants", "", "/10000000"),
        ],
        lines: &[
            ("**regrant**, live heap", "live", "regrant", Ratio::None),
            ("oxide-auth, live heap", "live", "oxide-auth", Ratio::None),
            ("oauth-as, live heap", "live", "oauth-as", Ratio::None),
            ("**regrant**, resident", "resident", "regrant", Ratio::None),
            ("oxide-auth, resident", "resident", "oxide-auth", Ratio::None),
            ("oauth-as, resident", "resident", "oauth-as", Ratio::None),
        ],
    },
    Table {
        name: "http",
        part: "http",
        unit: "server CPU us/request",
        divisor: 1.0,
        head: "refresh, server CPU in µs",
        columns: CONNECTIONS,
        lines: HTTP,
    },
    Table {
        name: "http-p99",
        part: "http",
        unit: "p99 us",
        divisor: 1.0,
        head: "refresh, p99 in µs",
        columns: CONNECTIONS,
        lines: HTTP,
    },
];

const HTTP: &[Line] = &[
    ("bare handler on axum", "refresh", "bare", Ratio::None),
    ("**regrant** on axum", "refresh", "regrant-axum", To("bare")),
    ("**regrant** as a tower service on hyper", "refresh", "regrant-hyper", To("bare")),
    ("**regrant** on actix-web", "refresh", "regrant-actix-web", To("bare")),
    ("oxide-auth on axum", "refresh", "oxide-auth", To("bare")),
    ("oauth-as on axum", "refresh", "oauth-as", To("bare")),
    ("@node-oauth/oauth2-server", "refresh", "node-oauth", To("bare")),
    ("oidc-provider", "refresh", "oidc-provider", To("bare")),
];

/// Returns each table with its name; `None` in place of a table without figures.
pub(crate) fn all(rows: &Rows) -> Vec<(&'static str, Option<String>)> {
    TABLES.iter().map(|table| (table.name, table.render(rows))).collect()
}

impl Table {
    fn render(&self, rows: &Rows) -> Option<String> {
        let lines: Vec<String> = self.lines.iter().filter_map(|line| self.line(rows, line)).collect();
        if lines.is_empty() {
            return None;
        }
        let mut text = format!("| {} |", self.head);
        self.columns.iter().for_each(|(head, ..)| write!(text, " {head} |").expect("memory"));
        let rules = "--:|".repeat(self.columns.len());
        Some(format!("{text}\n|---|{rules}\n{}\n", lines.join("\n")))
    }

    fn line(&self, rows: &Rows, &(title, work, subject, ratio): &Line) -> Option<String> {
        let cells: Vec<Option<String>> = self
            .columns
            .iter()
            .map(|(_, before, after)| {
                let around = |work: &str| format!("{before}{work}{after}");
                let own = around(work);
                let value = rows.spread(self.part, self.unit, (&own, subject))?.median / self.divisor;
                let ratio = match ratio {
                    Ratio::None => None,
                    RatioOf((work, by)) => rows.ratio(self.part, self.unit, (&around(work), by), (&own, subject)),
                    To(other) => rows.ratio(self.part, self.unit, (&own, subject), (&own, other)),
                };
                Some(format!("{}{}", digits(value), ratio.map(in_parentheses).unwrap_or_default()))
            })
            .collect();
        cells.iter().any(Option::is_some).then(|| {
            let cells: Vec<&str> = cells.iter().map(|cell| cell.as_deref().unwrap_or("-")).collect();
            format!("| {title} | {} |", cells.join(" | "))
        })
    }
}

fn in_parentheses(ratio: Spread) -> String {
    format!(" (**{}** [{} {}])", digits(ratio.median), digits(ratio.low), digits(ratio.high))
}
