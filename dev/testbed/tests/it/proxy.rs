//! Disturbances of a connection to an echo server.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use testbed::{Disturbance, LONG, Proxy, short, until};
use tokio::time::Instant;

/// Starts a server that answers each message with itself and sends a copy to the channel.
fn echo() -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, (sender, received)) = (listener.local_addr().unwrap(), mpsc::channel());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, sender) = (stream.unwrap(), sender.clone());
            thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(length @ 1..) = stream.read(&mut buffer) {
                    sender.send(buffer[..length].to_vec()).unwrap();
                    stream.write_all(&buffer[..length]).unwrap();
                }
            });
        }
    });
    (address, received)
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Sends a message and returns the reply; empty if the connection was closed.
fn exchange(stream: &mut TcpStream, message: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 1024];
    stream.write_all(message).unwrap();
    match stream.read(&mut buffer) {
        Ok(length) => buffer[..length].to_vec(),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn an_undisturbed_proxy_forwards_everything() {
    let (server, received) = echo();
    let proxy = Proxy::before(server);
    let (mut one, mut two) = (connect(&proxy), connect(&proxy));
    assert_eq!(exchange(&mut one, b"one"), b"one");
    assert_eq!(exchange(&mut two, b"two"), b"two");
    assert_eq!(exchange(&mut one, b"three"), b"three");
    assert_eq!(received.try_iter().count(), 3);
}

#[test]
fn a_dropped_reply_leaves_the_request_done_and_happens_once() {
    let (server, received) = echo();
    let proxy = Proxy::before(server);
    let (mut dropped, mut undisturbed) = (connect(&proxy), connect(&proxy));
    proxy.disturb(Disturbance::DropReply);
    assert_eq!(exchange(&mut dropped, b"lost"), b"");
    assert_eq!(received.recv().unwrap(), b"lost");
    assert_eq!(exchange(&mut undisturbed, b"fine"), b"fine");
    assert_eq!(exchange(&mut connect(&proxy), b"again"), b"again");
}

#[test]
fn the_server_receives_the_first_half_of_a_cut_request() {
    let (server, received) = echo();
    let proxy = Proxy::before(server);
    proxy.disturb(Disturbance::CutRequest);
    assert_eq!(exchange(&mut connect(&proxy), b"12345678"), b"");
    assert_eq!(received.recv().unwrap(), b"1234");
    assert_eq!(exchange(&mut connect(&proxy), b"again"), b"again");
}

#[test]
fn a_disturbance_happens_after_the_given_number_of_requests() {
    let (server, _received) = echo();
    let proxy = Proxy::before(server);
    let mut stream = connect(&proxy);
    proxy.disturb_after(2, Disturbance::DropReply);
    assert_eq!(exchange(&mut stream, b"one"), b"one");
    assert_eq!(exchange(&mut connect(&proxy), b"two"), b"two");
    assert_eq!(proxy.disturbed(), 0);
    assert_eq!(exchange(&mut stream, b"three"), b"");
    assert_eq!(proxy.disturbed(), 1);
}

#[test]
fn the_end_of_a_connection_is_not_a_request() {
    let (server, received) = echo();
    let proxy = Proxy::before(server);
    let mut ending = connect(&proxy);
    assert_eq!(exchange(&mut ending, b"before"), b"before");
    proxy.disturb(Disturbance::CutRequest);
    drop(ending);
    assert_eq!(exchange(&mut connect(&proxy), b"12"), b"");
    assert_eq!(received.iter().take(2).last().unwrap(), b"1");
}

#[test]
fn a_delayed_reply_comes_late_and_whole() {
    let (server, received) = echo();
    let proxy = Proxy::before(server);
    let mut stream = connect(&proxy);
    let (delay, begin) = (Duration::from_millis(100), Instant::now());
    proxy.disturb(Disturbance::Delay(delay));
    stream.write_all(b"slow").unwrap();
    assert_eq!(received.recv().unwrap(), b"slow");
    let mut reply = [0; 4];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"slow");
    assert!(begin.elapsed() >= delay);
    assert_eq!(exchange(&mut stream, b"again"), b"again");
}

#[test]
fn a_blackhole_forwards_nothing_and_closes_everything_at_its_end() {
    let (server, received) = echo();
    let proxy = Proxy::before(server);
    let mut old = connect(&proxy);
    assert_eq!(exchange(&mut old, b"before"), b"before");
    proxy.disturb(Disturbance::Blackhole(10 * LONG));
    let mut new = connect(&proxy);
    for stream in [&mut old, &mut new] {
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        stream.write_all(b"lost").unwrap();
        let error = stream.read(&mut [0; 8]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        stream.set_read_timeout(Some(LONG)).unwrap();
    }
    assert_eq!(received.try_iter().collect::<Vec<_>>(), [b"before"]);
    proxy.clear();
    assert!(matches!(old.read(&mut [0; 8]), Ok(0) | Err(_)));
    assert_eq!(exchange(&mut connect(&proxy), b"after"), b"after");
}

#[test]
fn clearing_after_a_blackhole_changes_nothing() {
    let (server, _received) = echo();
    let proxy = Proxy::before(server);
    let mut stream = connect(&proxy);
    proxy.disturb(Disturbance::Blackhole(short(Duration::from_millis(500))));
    assert_eq!(exchange(&mut stream, b"lost"), b"");
    let mut stream = connect(&proxy);
    assert_eq!(exchange(&mut stream, b"before"), b"before");
    proxy.clear();
    assert_eq!(exchange(&mut stream, b"after"), b"after");
}

#[test]
fn clearing_removes_a_disturbance_that_has_not_happened() {
    let (server, _received) = echo();
    let proxy = Proxy::before(server);
    proxy.disturb(Disturbance::DropReply);
    proxy.disturb(Disturbance::Blackhole(LONG * 10));
    proxy.clear();
    assert_eq!(exchange(&mut connect(&proxy), b"fine"), b"fine");
}

#[test]
fn an_outage_closes_everything_and_ends_at_the_same_address() {
    let (server, received) = echo();
    let proxy = Proxy::before(server);
    let address = proxy.address();
    let mut stream = connect(&proxy);
    assert_eq!(exchange(&mut stream, b"before"), b"before");
    proxy.shut();
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    proxy.reopen();
    assert_eq!(proxy.address(), address);
    assert_eq!(exchange(&mut connect(&proxy), b"after"), b"after");
    assert_eq!(received.try_iter().collect::<Vec<_>>(), [&b"before"[..], b"after"]);
}

#[test]
fn a_dropped_proxy_closes_everything() {
    let (server, _received) = echo();
    let proxy = Proxy::before(server);
    let (address, mut stream) = (proxy.address(), connect(&proxy));
    assert_eq!(exchange(&mut stream, b"before"), b"before");
    drop(proxy);
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    until("a closed port", || TcpStream::connect(address).is_err());
}
