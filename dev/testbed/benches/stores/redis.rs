//! Redis: `GET` and `EVALSHA` of a script that compares and sets, on one multiplexed connection.

use redis::Script;
use redis::aio::MultiplexedConnection;
use regrant_redis::RedisStore;
use testbed::Redis;

use crate::PAYLOAD;
use crate::measure::{GRANTS, Plan, Work};
use crate::service::Service;

const SWAP: &str = "
    if string.sub(redis.call('GET', KEYS[1]), 1, 8) ~= ARGV[1] then return 0 end
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1";

pub(crate) async fn measure(plan: &Plan) {
    // Setting of an application that can lose a second on a power cut; `always` would measure the disk.
    let server = Redis::start_with(&["--appendfsync", "everysec"]);
    let store = RedisStore::open(&server.url()).await.unwrap();
    let baseline = Baseline::open(&server.url()).await;
    plan.compare("redis", baseline, Service::on(store), Some(&server.url())).await;
}

struct Baseline {
    connection: MultiplexedConnection,
    swap: Script,
}

impl Baseline {
    async fn open(url: &str) -> Self {
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let swap = Script::new(SWAP);
        swap.prepare_invoke().load_async(&mut connection).await.unwrap();
        for place in 0..GRANTS {
            let value = vec![7_u8; PAYLOAD];
            let (): () = redis::cmd("SET").arg(key(place)).arg(value).query_async(&mut connection).await.unwrap();
        }
        Self { connection, swap }
    }

    async fn read(&self, place: usize) -> Vec<u8> {
        redis::cmd("GET").arg(key(place)).query_async(&mut self.connection.clone()).await.unwrap()
    }
}

impl Work for Baseline {
    async fn refresh(&self, place: usize) {
        let value = self.read(place).await;
        let mut swap = self.swap.key(key(place));
        let swap = swap.arg(&value[..8]).arg(&value).arg(7 * 24 * 3600 * 1000_u64);
        let stored: u8 = swap.invoke_async(&mut self.connection.clone()).await.unwrap();
        assert_eq!(stored, 1);
    }

    async fn introspect(&self, place: usize) {
        self.read(place).await;
    }
}

fn key(place: usize) -> String {
    format!("baseline:{{{place:022}}}:")
}
