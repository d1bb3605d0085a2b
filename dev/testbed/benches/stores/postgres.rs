//! PostgreSQL: `SELECT` by key and a conditional `UPDATE` of a row in an equal table, prepared, with one connection for
//! each task.

use regrant_postgres::{PostgresStore, Table};
use testbed::Postgres;
use tokio_postgres::{Client, NoTls, Statement};

use crate::measure::{GRANTS, Plan, Work};
use crate::service::Service;
use crate::{PAYLOAD, TASKS, change};

const CONNECTIONS: usize = TASKS[TASKS.len() - 1];

pub(crate) async fn measure(plan: &Plan) {
    let server = Postgres::start_with(&["fsync=on"]);
    let builder = PostgresStore::builder(server.url()).unwrap().max_connections(CONNECTIONS);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    let baseline = Baseline::open(&server.url()).await;
    plan.compare("postgres", baseline, Service::on(store), Some(&server.url())).await;
    if plan.rows.is_some() {
        statements(plan).await;
    }
}

/// Counts the statements of a refresh, and the rows that it leaves. On a server of its own, since counting takes time.
async fn statements(plan: &Plan) {
    const REFRESHES: usize = 1000;
    let server = Postgres::start_with(&["shared_preload_libraries=pg_stat_statements"]);
    server.execute("CREATE EXTENSION pg_stat_statements");
    let builder = PostgresStore::builder(server.url()).unwrap();
    builder.migrate().await.unwrap();
    let service = Service::on(builder.open().await.unwrap());
    service.prepare().await;
    #[expect(clippy::cast_precision_loss, reason = "a thousand")]
    let count = |sql| server.execute(sql).parse::<f64>().unwrap() / REFRESHES as f64;
    let rows = "SELECT count(*) FROM regrant_grants";
    let rows_before = count(rows);
    server.execute("SELECT pg_stat_statements_reset()");
    for number in 0..REFRESHES {
        service.refresh(number % GRANTS).await;
    }
    let statements = "SELECT sum(calls) FROM pg_stat_statements WHERE userid = 'regrant'::regrole";
    plan.row("postgres statements a refresh", "regrant", 0, count(statements), "1");
    plan.row("postgres rows left by a refresh", "regrant", 0, count(rows) - rows_before, "1");
}

struct Baseline(Vec<Session>);

struct Session {
    client: Client,
    select: Statement,
    update: Statement,
}

impl Baseline {
    async fn open(url: &str) -> Self {
        let setup = connect(url).await;
        setup.batch_execute(&Table::new("public", "baseline").unwrap().ddl()).await.unwrap();
        for place in 0..GRANTS {
            let subject = format!("user-{place}@example.com");
            let insert = "INSERT INTO baseline VALUES ($1, '', 0, 'myClient', $2, 0, 0, $3)";
            setup.execute(insert, &[&id(place).as_slice(), &subject, &vec![7_u8; PAYLOAD]]).await.unwrap();
        }
        let mut sessions = Vec::new();
        for _ in 0..CONNECTIONS {
            sessions.push(Session::open(url).await);
        }
        Self(sessions)
    }

    /// Connection of the task that this grant belongs to.
    fn session(&self, place: usize) -> &Session {
        &self.0[place * CONNECTIONS / GRANTS]
    }
}

impl Session {
    async fn open(url: &str) -> Self {
        let client = connect(url).await;
        let select =
            "SELECT version, client_id, subject, expires_at, payload FROM baseline WHERE id = $1 AND realm = $2";
        let update = "UPDATE baseline SET version = $1, expires_at = $2, payload = $3
                      WHERE id = $4 AND realm = $5 AND version = $6";
        let (select, update) = (client.prepare(select).await.unwrap(), client.prepare(update).await.unwrap());
        Self { client, select, update }
    }

    async fn read(&self, place: usize) -> (i64, Vec<u8>) {
        let row = self.client.query_one(&self.select, &[&id(place).as_slice(), &""]).await.unwrap();
        (row.get(0), row.get(4))
    }
}

impl Work for Baseline {
    async fn refresh(&self, place: usize) {
        let session = self.session(place);
        let (version, mut payload) = session.read(place).await;
        change(&mut payload, version);
        let id = id(place);
        let params: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
            [&(version + 1), &version, &payload, &id.as_slice(), &"", &version];
        assert_eq!(session.client.execute(&session.update, &params).await.unwrap(), 1);
    }

    async fn introspect(&self, place: usize) {
        self.session(place).read(place).await;
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// 16 bytes in random order, as those of a grant are.
fn id(place: usize) -> [u8; 16] {
    let mixed = (place as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    mixed.to_be_bytes()
}
