//! The Redis of the testbed.

use testbed::Redis;

#[test]
fn acknowledged_writes_survive_a_kill_and_a_restart_at_the_same_address() {
    let redis = Redis::start();
    let address = redis.address();
    for number in 0..20 {
        assert_eq!(redis.command(&["SET", &format!("key{number}"), "kept"]), "OK");
    }
    redis.kill();
    assert!(std::net::TcpStream::connect(address).is_err());
    redis.restart();
    assert_eq!(redis.command(&["DBSIZE"]), "20");
    assert_eq!(redis.command(&["GET", "key7"]), "kept");
    assert_eq!(redis.address(), address);
}

#[test]
fn settings_override_the_defaults() {
    let redis = Redis::start_with(&["--requirepass", "secret", "--appendfsync", "everysec"]);
    assert_eq!(redis.command(&["CONFIG", "GET", "appendfsync"]), "appendfsync\neverysec");
    assert_eq!(redis.command(&["CONFIG", "GET", "maxmemory-policy"]), "maxmemory-policy\nnoeviction");
    assert_eq!(redis.url(), format!("redis://:secret@{}/", redis.address()));
}

#[test]
#[should_panic(expected = "not an integer")]
fn an_error_reply_panics() {
    let redis = Redis::start();
    redis.command(&["SET", "key", "text"]);
    redis.command(&["INCR", "key"]);
}
