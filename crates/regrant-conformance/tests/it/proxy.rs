//! Faults of a connection to an echo server.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use regrant_conformance::{Fault, Proxy, Trial};
use tokio::time::Instant;

/// A time that no reply takes, however busy the machine.
const LONG: Duration = Duration::from_secs(60);

macro_rules! trials {
    ($($name:ident),+ $(,)?) => {
        [$(crate::test(concat!("proxy::", stringify!($name)), $name)),+]
    };
}

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    trials![
        an_undisturbed_proxy_forwards_everything,
        a_dropped_reply_leaves_the_request_done_and_happens_once,
        the_server_receives_the_first_half_of_a_cut_request,
        a_fault_happens_after_the_given_number_of_requests,
        the_end_of_a_connection_is_not_a_request,
        a_delayed_reply_comes_late_and_whole,
        a_silent_proxy_forwards_nothing_and_mending_closes_everything,
        a_silence_ends_by_itself_at_its_time,
        mending_removes_a_fault_that_has_not_happened,
        a_cut_closes_everything_and_ends_at_the_same_address,
        a_cut_ends_a_silence_and_a_silence_does_not_end_a_cut,
        new_connections_go_where_the_proxy_leads_now,
        a_dropped_proxy_closes_everything,
    ]
    .into_iter()
}

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
                    // A test that has ended listens no longer.
                    if sender.send(buffer[..length].to_vec()).is_err() || stream.write_all(&buffer[..length]).is_err() {
                        return;
                    }
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

fn is_refused(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

fn an_undisturbed_proxy_forwards_everything() {
    let (server, received) = echo();
    let proxy = Proxy::start(server);
    let (mut one, mut two) = (connect(&proxy), connect(&proxy));
    assert_eq!(exchange(&mut one, b"one"), b"one");
    assert_eq!(exchange(&mut two, b"two"), b"two");
    assert_eq!(exchange(&mut one, b"three"), b"three");
    assert_eq!(received.try_iter().count(), 3);
}

fn a_dropped_reply_leaves_the_request_done_and_happens_once() {
    let (server, received) = echo();
    let proxy = Proxy::start(server);
    let (mut dropped, mut undisturbed) = (connect(&proxy), connect(&proxy));
    proxy.drop_next_reply();
    assert_eq!(exchange(&mut dropped, b"lost"), b"");
    assert_eq!(received.recv().unwrap(), b"lost");
    assert_eq!(exchange(&mut undisturbed, b"fine"), b"fine");
    assert_eq!(exchange(&mut connect(&proxy), b"again"), b"again");
}

fn the_server_receives_the_first_half_of_a_cut_request() {
    let (server, received) = echo();
    let proxy = Proxy::start(server);
    proxy.disturb_after(0, Fault::CutRequest);
    assert_eq!(exchange(&mut connect(&proxy), b"12345678"), b"");
    assert_eq!(received.recv().unwrap(), b"1234");
    assert_eq!(exchange(&mut connect(&proxy), b"again"), b"again");
}

fn a_fault_happens_after_the_given_number_of_requests() {
    let (server, _received) = echo();
    let proxy = Proxy::start(server);
    let mut stream = connect(&proxy);
    proxy.disturb_after(2, Fault::DropReply);
    assert_eq!(exchange(&mut stream, b"one"), b"one");
    assert_eq!(exchange(&mut connect(&proxy), b"two"), b"two");
    assert_eq!(proxy.disturbed(), 0);
    assert_eq!(exchange(&mut stream, b"three"), b"");
    assert_eq!(proxy.disturbed(), 1);
}

fn the_end_of_a_connection_is_not_a_request() {
    let (server, received) = echo();
    let proxy = Proxy::start(server);
    let mut ending = connect(&proxy);
    assert_eq!(exchange(&mut ending, b"before"), b"before");
    proxy.disturb_after(0, Fault::CutRequest);
    drop(ending);
    assert_eq!(exchange(&mut connect(&proxy), b"12"), b"");
    assert_eq!(received.iter().take(2).last().unwrap(), b"1");
}

fn a_delayed_reply_comes_late_and_whole() {
    let (server, received) = echo();
    let proxy = Proxy::start(server);
    let mut stream = connect(&proxy);
    let (delay, begin) = (Duration::from_millis(100), Instant::now());
    proxy.delay(delay);
    stream.write_all(b"slow").unwrap();
    assert_eq!(received.recv().unwrap(), b"slow");
    let mut reply = [0; 4];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"slow");
    assert!(begin.elapsed() >= delay);
    assert_eq!(exchange(&mut stream, b"again"), b"again");
}

fn a_silent_proxy_forwards_nothing_and_mending_closes_everything() {
    let (server, received) = echo();
    let proxy = Proxy::start(server);
    let mut old = connect(&proxy);
    assert_eq!(exchange(&mut old, b"before"), b"before");
    proxy.swallow();
    let mut new = connect(&proxy);
    for stream in [&mut old, &mut new] {
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        stream.write_all(b"lost").unwrap();
        let error = stream.read(&mut [0; 8]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        stream.set_read_timeout(Some(LONG)).unwrap();
    }
    assert_eq!(received.try_iter().collect::<Vec<_>>(), [b"before"]);
    proxy.mend();
    assert!(matches!(old.read(&mut [0; 8]), Ok(0) | Err(_)));
    assert_eq!(exchange(&mut connect(&proxy), b"after"), b"after");
}

fn a_silence_ends_by_itself_at_its_time() {
    let (server, _received) = echo();
    let proxy = Proxy::start(server);
    let mut stream = connect(&proxy);
    proxy.swallow_for(Duration::from_millis(500));
    assert_eq!(exchange(&mut stream, b"lost"), b"");
    let mut stream = connect(&proxy);
    assert_eq!(exchange(&mut stream, b"before"), b"before");
    // It is over: there is nothing left to end.
    proxy.mend();
    assert_eq!(exchange(&mut stream, b"after"), b"after");
}

fn mending_removes_a_fault_that_has_not_happened() {
    let (server, _received) = echo();
    let proxy = Proxy::start(server);
    proxy.drop_next_reply();
    proxy.swallow();
    proxy.mend();
    assert_eq!(exchange(&mut connect(&proxy), b"fine"), b"fine");
    assert_eq!(proxy.disturbed(), 0);
}

fn a_cut_closes_everything_and_ends_at_the_same_address() {
    let (server, received) = echo();
    let proxy = Proxy::start(server);
    let address = proxy.address();
    for round in 0..3 {
        let mut stream = connect(&proxy);
        assert_eq!(exchange(&mut stream, b"before"), b"before");
        proxy.cut();
        proxy.cut();
        assert!(is_refused(address), "round {round}");
        assert!(matches!(stream.read(&mut [0; 8]), Ok(0) | Err(_)), "round {round}");
        proxy.mend();
        proxy.mend();
        assert_eq!(proxy.address(), address);
        assert_eq!(exchange(&mut connect(&proxy), b"after"), b"after");
    }
    assert_eq!(received.try_iter().count(), 6);
}

fn a_cut_ends_a_silence_and_a_silence_does_not_end_a_cut() {
    let (server, _received) = echo();
    let proxy = Proxy::start(server);
    let mut stream = connect(&proxy);
    proxy.swallow();
    proxy.cut();
    assert!(matches!(stream.read(&mut [0; 8]), Ok(0) | Err(_)));
    proxy.swallow();
    assert!(is_refused(proxy.address()));
    proxy.mend();
    assert_eq!(exchange(&mut connect(&proxy), b"after"), b"after");
}

fn new_connections_go_where_the_proxy_leads_now() {
    let ((one, at_one), (two, at_two)) = (echo(), echo());
    let proxy = Proxy::start(one);
    let mut old = connect(&proxy);
    assert_eq!(exchange(&mut old, b"old"), b"old");
    proxy.redirect(two);
    assert_eq!(exchange(&mut connect(&proxy), b"new"), b"new");
    assert_eq!(exchange(&mut old, b"old"), b"old");
    assert_eq!((at_one.try_iter().count(), at_two.try_iter().count()), (2, 1));
}

fn a_dropped_proxy_closes_everything() {
    let (server, _received) = echo();
    let proxy = Proxy::start(server);
    let (address, mut stream) = (proxy.address(), connect(&proxy));
    assert_eq!(exchange(&mut stream, b"before"), b"before");
    drop(proxy);
    assert!(matches!(stream.read(&mut [0; 8]), Ok(0) | Err(_)));
    // The thread ends on its own time.
    for _ in 0..6000 {
        if TcpStream::connect(address).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("the port stays open");
}
