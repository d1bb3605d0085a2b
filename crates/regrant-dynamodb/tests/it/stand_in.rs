//! A server that answers what a test wants, and counts.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::support::server;

/// A stand-in for DynamoDB before the shared server. It ends with the test process.
pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// Operations that are not passed on, with the status and body of the answer to all of them.
    answered: Vec<&'static str>,
    answer: (u16, String),
    asked: Vec<String>,
}

impl StandIn {
    /// Passes everything on.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stand_in = Self { address: listener.local_addr().unwrap(), shared: Arc::default() };
        let shared = Arc::clone(&stand_in.shared);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(client.unwrap(), &shared));
            }
        });
        stand_in
    }

    /// Answers these operations with an error of the service from now on, and passes others on. Forgets what was asked.
    pub(crate) fn refuse(&self, operations: &[&'static str], status: u16, name: &str, message: &str) {
        let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{name}","message":"{message}"}}"#);
        self.answer(operations, status, &body);
    }

    pub(crate) fn answer(&self, operations: &[&'static str], status: u16, body: &str) {
        let answer = (status, body.to_owned());
        *self.shared.lock().unwrap() = Shared { answered: operations.to_vec(), answer, asked: Vec::new() };
    }

    /// All operations that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.lock().unwrap().asked.clone()
    }
}

/// One request for each connection.
fn serve(mut client: TcpStream, shared: &Mutex<Shared>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let (mut head, mut length, mut operation) = (String::new(), 0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line == "\r\n" {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "x-amz-target" => value.trim().split_once('.').unwrap().1.clone_into(&mut operation),
            "connection" => continue,
            _ => {}
        }
        head += &line;
    }
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let answer = {
        let mut shared = shared.lock().unwrap();
        let answer = shared.answered.contains(&&*operation).then(|| shared.answer.clone());
        shared.asked.push(operation);
        answer
    };
    if let Some((status, body)) = answer {
        let head = format!("HTTP/1.1 {status} Status\r\ncontent-type: application/x-amz-json-1.0\r\n");
        let rest = format!("content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        drop(client.write_all((head + &rest).as_bytes()));
        return;
    }
    let mut upstream = TcpStream::connect(server().address()).unwrap();
    upstream.write_all(format!("{head}connection: close\r\n\r\n").as_bytes()).unwrap();
    upstream.write_all(&body).unwrap();
    // The answer says that the connection closes, so the store makes a new one.
    drop(std::io::copy(&mut upstream, &mut client));
}
