//! What the proxy does to a conversation with an echo server.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that cannot go on fails the test")]

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use testbed::{Disturbance, Proxy, until};

const LONG: Duration = Duration::from_secs(30);

/// Answers each message with itself, and tells what it heard.
fn echo() -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, (tell, heard)) = (listener.local_addr().unwrap(), mpsc::channel());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, tell) = (stream.unwrap(), tell.clone());
            thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    tell.send(buffer[..length].to_vec()).unwrap();
                    stream.write_all(&buffer[..length]).unwrap();
                }
            });
        }
    });
    (address, heard)
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// What comes back; empty when the connection was closed.
fn say(stream: &mut TcpStream, message: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 1024];
    stream.write_all(message).unwrap();
    match stream.read(&mut buffer) {
        Ok(length) => buffer[..length].to_vec(),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn undisturbed_it_passes_everything_on() {
    let (server, heard) = echo();
    let proxy = Proxy::before(server);
    let (mut one, mut two) = (connect(&proxy), connect(&proxy));
    assert_eq!(say(&mut one, b"one"), b"one");
    assert_eq!(say(&mut two, b"two"), b"two");
    assert_eq!(say(&mut one, b"three"), b"three");
    assert_eq!(heard.try_iter().count(), 3);
}

#[test]
fn a_dropped_reply_leaves_the_request_done_and_strikes_once() {
    let (server, heard) = echo();
    let proxy = Proxy::before(server);
    let (mut struck, mut spared) = (connect(&proxy), connect(&proxy));
    proxy.disturb(Disturbance::DropReply);
    assert_eq!(say(&mut struck, b"lost"), b"");
    assert_eq!(heard.recv().unwrap(), b"lost");
    assert_eq!(say(&mut spared, b"fine"), b"fine");
    assert_eq!(say(&mut connect(&proxy), b"again"), b"again");
}

#[test]
fn of_a_cut_request_the_server_hears_the_first_half() {
    let (server, heard) = echo();
    let proxy = Proxy::before(server);
    proxy.disturb(Disturbance::CutRequest);
    assert_eq!(say(&mut connect(&proxy), b"12345678"), b"");
    assert_eq!(heard.recv().unwrap(), b"1234");
    assert_eq!(say(&mut connect(&proxy), b"again"), b"again");
}

#[test]
fn a_disturbance_spares_as_many_requests_as_it_is_told() {
    let (server, _heard) = echo();
    let proxy = Proxy::before(server);
    let mut stream = connect(&proxy);
    proxy.disturb_after(2, Disturbance::DropReply);
    assert_eq!(say(&mut stream, b"one"), b"one");
    assert_eq!(say(&mut connect(&proxy), b"two"), b"two");
    assert_eq!(proxy.struck(), 0);
    assert_eq!(say(&mut stream, b"three"), b"");
    assert_eq!(proxy.struck(), 1);
}

#[test]
fn a_connection_that_ends_is_not_taken_for_a_request() {
    let (server, heard) = echo();
    let proxy = Proxy::before(server);
    let mut ending = connect(&proxy);
    assert_eq!(say(&mut ending, b"before"), b"before");
    proxy.disturb(Disturbance::CutRequest);
    drop(ending);
    assert_eq!(say(&mut connect(&proxy), b"12"), b"");
    assert_eq!(heard.iter().take(2).last().unwrap(), b"1");
}

#[test]
fn a_delayed_reply_comes_late_and_whole() {
    let (server, heard) = echo();
    let proxy = Proxy::before(server);
    let mut stream = connect(&proxy);
    proxy.disturb(Disturbance::Delay(Duration::from_millis(400)));
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    stream.write_all(b"slow").unwrap();
    assert_eq!(heard.recv().unwrap(), b"slow");
    let early = stream.read(&mut [0; 8]).unwrap_err();
    assert!(matches!(early.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{early}");
    stream.set_read_timeout(Some(LONG)).unwrap();
    let mut reply = [0; 4];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"slow");
    assert_eq!(say(&mut stream, b"again"), b"again");
}

#[test]
fn in_a_blackhole_nothing_passes_and_then_everything_is_closed() {
    let (server, heard) = echo();
    let proxy = Proxy::before(server);
    let mut old = connect(&proxy);
    assert_eq!(say(&mut old, b"before"), b"before");
    proxy.disturb(Disturbance::Blackhole(Duration::from_millis(300)));
    let mut new = connect(&proxy);
    assert_eq!(say(&mut old, b"old"), b"");
    assert_eq!(say(&mut new, b"new"), b"");
    assert_eq!(say(&mut connect(&proxy), b"after"), b"after");
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [&b"before"[..], b"after"]);
}

#[test]
fn after_a_blackhole_calm_disturbs_nobody() {
    let (server, _heard) = echo();
    let proxy = Proxy::before(server);
    let mut stream = connect(&proxy);
    proxy.disturb(Disturbance::Blackhole(Duration::from_millis(10)));
    assert_eq!(say(&mut stream, b"lost"), b"");
    let mut stream = connect(&proxy);
    assert_eq!(say(&mut stream, b"before"), b"before");
    proxy.calm();
    assert_eq!(say(&mut stream, b"after"), b"after");
}

#[test]
fn calm_takes_back_what_has_not_struck_yet() {
    let (server, _heard) = echo();
    let proxy = Proxy::before(server);
    proxy.disturb(Disturbance::DropReply);
    proxy.disturb(Disturbance::Blackhole(LONG * 10));
    proxy.calm();
    assert_eq!(say(&mut connect(&proxy), b"fine"), b"fine");
}

#[test]
fn an_outage_closes_everything_and_ends_at_the_same_address() {
    let (server, heard) = echo();
    let proxy = Proxy::before(server);
    let address = proxy.address();
    let mut stream = connect(&proxy);
    assert_eq!(say(&mut stream, b"before"), b"before");
    proxy.shut();
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    proxy.reopen();
    assert_eq!(proxy.address(), address);
    assert_eq!(say(&mut connect(&proxy), b"after"), b"after");
    assert_eq!(heard.try_iter().collect::<Vec<_>>(), [&b"before"[..], b"after"]);
}

#[test]
fn a_dropped_proxy_closes_everything() {
    let (server, _heard) = echo();
    let proxy = Proxy::before(server);
    let (address, mut stream) = (proxy.address(), connect(&proxy));
    assert_eq!(say(&mut stream, b"before"), b"before");
    drop(proxy);
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    until("a closed port", || TcpStream::connect(address).is_err());
}
