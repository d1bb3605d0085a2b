//! MariaDB: `SELECT` by key and a conditional `UPDATE` of a row in an equal table, prepared, with one connection for
//! each task.

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, Statement, Value};
use regrant_mysql::{MysqlStore, Table};
use testbed::MariaDb;
use tokio::sync::Mutex;

use crate::measure::{GRANTS, Plan, Work};
use crate::service::Service;
use crate::{PAYLOAD, TASKS, change};

const CONNECTIONS: usize = TASKS[TASKS.len() - 1];

pub(crate) async fn measure(plan: &Plan) {
    // As an application runs it: each commit is synced to the disk.
    let server = MariaDb::start_with(&["--innodb-flush-method=O_DIRECT", "--skip-log-bin"]);
    let builder = MysqlStore::builder(server.url()).unwrap().max_connections(CONNECTIONS);
    builder.migrate().await.unwrap();
    let store = builder.open().await.unwrap();
    let baseline = Baseline::open(&server.url()).await;
    plan.compare("mariadb", baseline, Service::on(store), None).await;
}

struct Baseline(Vec<Mutex<Session>>);

struct Session {
    conn: Conn,
    select: Statement,
    update: Statement,
}

impl Baseline {
    async fn open(url: &str) -> Self {
        let mut setup = connect(url).await;
        for statement in Table::new("baseline").unwrap().ddl().split(";\n").filter(|sql| !sql.is_empty()) {
            setup.query_drop(statement).await.unwrap();
        }
        let insert = "INSERT INTO baseline VALUES ('', ?, 0, 'myClient', ?, 0, 0, ?)";
        for place in 0..GRANTS {
            let subject = format!("user-{place}@example.com");
            setup.exec_drop(insert, (id(place), subject, vec![7_u8; PAYLOAD])).await.unwrap();
        }
        let mut sessions = Vec::new();
        for _ in 0..CONNECTIONS {
            sessions.push(Mutex::new(Session::open(url).await));
        }
        Self(sessions)
    }

    /// Connection of the task that this grant belongs to: no other task asks for it.
    fn session(&self, place: usize) -> &Mutex<Session> {
        &self.0[place * CONNECTIONS / GRANTS]
    }
}

impl Session {
    async fn open(url: &str) -> Self {
        let mut conn = connect(url).await;
        let select = "SELECT version, client_id, subject, expires_at, payload FROM baseline WHERE realm = ? AND id = ?";
        let update = "UPDATE baseline SET version = ?, expires_at = ?, payload = ?
                      WHERE realm = ? AND id = ? AND version = ?";
        let (select, update) = (conn.prep(select).await.unwrap(), conn.prep(update).await.unwrap());
        Self { conn, select, update }
    }

    async fn read(&mut self, place: usize) -> (i64, Vec<u8>) {
        let row: Option<mysql_async::Row> = self.conn.exec_first(&self.select, ("", id(place))).await.unwrap();
        let row = row.unwrap();
        (row.get(0).unwrap(), row.get(4).unwrap())
    }
}

impl Work for Baseline {
    async fn refresh(&self, place: usize) {
        let mut session = self.session(place).lock().await;
        let (version, mut payload) = session.read(place).await;
        change(&mut payload, version);
        let params: Vec<Value> =
            vec![(version + 1).into(), version.into(), payload.into(), "".into(), id(place).into(), version.into()];
        let Session { conn, update, .. } = &mut *session;
        conn.exec_drop(&*update, params).await.unwrap();
        assert_eq!(conn.affected_rows(), 1);
    }

    async fn introspect(&self, place: usize) {
        self.session(place).lock().await.read(place).await;
    }
}

async fn connect(url: &str) -> Conn {
    let opts = Opts::from_url(url).unwrap();
    Conn::new(OptsBuilder::from_opts(opts).prefer_socket(false)).await.unwrap()
}

/// 16 bytes in random order, as those of a grant are.
fn id(place: usize) -> Vec<u8> {
    let mixed = (place as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    mixed.to_be_bytes().to_vec()
}
