use etcd_example::EtcdStore;
use testbed::Etcd;

// guide: harness
use regrant_conformance::Proxy;
use regrant_conformance::store::{Fixture, StoreHarness, Suite};

/// An etcd for each case, behind a proxy.
struct Harness;

#[async_trait::async_trait]
impl StoreHarness for Harness {
    type Store = EtcdStore;

    async fn fresh(&self) -> Fixture<EtcdStore> {
        let etcd = Etcd::start();
        let proxy = Proxy::start(etcd.address());
        let url = format!("http://{}", proxy.address());
        Fixture::new(EtcdStore::new(&url)).with_second_handle(EtcdStore::new(&url)).with_proxy(proxy).with_guard(etcd)
    }
}

fn suite() -> Suite<Harness> {
    Suite::new(Harness).grant_index().purge_expired().single_use().single_use_purge()
}
// guide: end

pub(crate) fn trials() -> impl Iterator<Item = regrant_conformance::Trial> {
    suite().into_iter()
}
