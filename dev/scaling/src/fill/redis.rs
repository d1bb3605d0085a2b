//! Pipelined commands into a cluster: the record with `SET`, its entries in the indexes of subject and client with
//! `ZADD`. The layout is that of `regrant-redis` (`record.rs`, `keys.rs`, `enter.lua`); the check after the fill reads
//! it through the store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use redis::cluster::{ClusterClient, ClusterPipeline, cluster_pipe};
use regrant::clock::{Clock as _, SystemClock, Timestamp};
use regrant::store::{GrantRecord, Version};

use super::Batches;
use crate::population::{Census, Made, Session};

/// Commands of this many grants are sent at a time.
const PIPELINE: usize = 5000;

/// Time that a key outlives its record, in ms.
const CLOCK_DIFFERENCE: i64 = 60_000;

/// Loads a population into an empty cluster, and returns the sessions of the sample. No grant may have expired.
#[must_use]
pub fn into_redis(urls: &[String], census: Census) -> Vec<Session> {
    let client = ClusterClient::new(urls.to_vec()).expect("a cluster");
    let mut connection = client.get_connection().expect("a connection");
    let mut batches = Batches::of(census);
    while let Some(batch) = batches.next() {
        for grants in batch.chunks(PIPELINE) {
            let mut pipe = cluster_pipe();
            for made in grants {
                write(&mut pipe, made);
            }
            pipe.query::<()>(&mut connection).expect("replies");
        }
    }
    batches.sessions
}

fn write(pipe: &mut ClusterPipeline, made: &Made) {
    let (key, record) = (&made.key, &made.record);
    let now = SystemClock.now();
    let end = record.expires_at.expect("an expiry").as_millis();
    let reach = reach(end, now);
    let name = format!("regrant:g:{{{}}}:{}", key.id, key.realm);
    pipe.cmd("SET").arg(name).arg(value(record, reach)).arg("PXAT").arg(end + CLOCK_DIFFERENCE).ignore();
    let subject = record.subject.as_ref().expect("a subject");
    let entry = [key.id.as_bytes().as_slice(), &(now.as_secs() as u32).to_be_bytes()].concat();
    for (kind, owner) in [('c', record.client_id.as_str()), ('s', subject.as_str())] {
        let [realm, owner] = [key.realm.as_str(), owner].map(|text| URL_SAFE_NO_PAD.encode(text));
        let base = format!("regrant:{kind}:{{{realm}.{owner}}}");
        let (ids, ends) = (format!("{base}:ids"), format!("{base}:ends"));
        pipe.cmd("ZADD").arg(&ends).arg(reach).arg(key.id.as_bytes()).ignore();
        pipe.cmd("ZADD").arg(&ids).arg(0).arg(&entry).ignore();
        for key in [ids, ends] {
            pipe.cmd("PEXPIREAT").arg(key).arg(reach + 2 * CLOCK_DIFFERENCE).ignore();
        }
    }
}

/// End of the index entries: the expiry, rounded up to a step as large as the remaining lifetime.
fn reach(end: i64, now: Timestamp) -> i64 {
    let step = u64::try_from(end - now.as_millis()).unwrap_or(1).next_power_of_two().cast_signed();
    (end.div_euclid(step) + 1) * step
}

fn value(record: &GrantRecord, reach: i64) -> Vec<u8> {
    let client = record.client_id.as_str().as_bytes();
    let subject = record.subject.as_ref().map_or(&[][..], |subject| subject.as_str().as_bytes());
    let length = 36 + client.len() + subject.len() + record.payload.len();
    let end = record.expires_at.unwrap_or_default().as_millis();
    let parts: [&[u8]; 9] = [
        b"rgr\x01",
        &reach.to_be_bytes(),
        &Version::random().0.to_be_bytes(),
        &(length as u32).to_be_bytes(),
        &[0, 1],
        &end.to_be_bytes(),
        &[client.len() as u8, subject.len() as u8],
        &[client, subject].concat(),
        &record.payload,
    ];
    parts.concat()
}
