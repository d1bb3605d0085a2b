//! The store of docs/store-guide.md and the adapter of docs/adapter-guide.md, judged. The guides show these files piece
//! by piece.

mod adapter;
mod server;
mod store;

use regrant_conformance::Trial;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let store = || {
        let guide = include_str!("../../../../../docs/store-guide.md");
        assert_eq!(shown(guide, &[include_str!("store.rs")]), 6);
    };
    let adapter = || {
        let guide = include_str!("../../../../../docs/adapter-guide.md");
        assert_eq!(shown(guide, &[include_str!("adapter.rs"), include_str!("server.rs")]), 7);
        let frameworks = [
            include_str!("../../../../../dev/frameworks/src/axum.rs"),
            include_str!("../../../../../dev/frameworks/src/hyper.rs"),
            include_str!("../../../../../dev/frameworks/src/lambda.rs"),
            include_str!("../../../../../dev/frameworks/src/poem.rs"),
            include_str!("../../../../../dev/frameworks/src/salvo.rs"),
            include_str!("../../../../../dev/frameworks/src/tonic.rs"),
        ];
        assert_eq!(shown(guide, &frameworks), frameworks.len());
    };
    let shown = [
        crate::test("guides::the_guide_shows_this_store", store),
        crate::test("guides::the_guide_shows_this_adapter", adapter),
    ];
    store::trials().chain(server::trials()).chain(shown)
}

/// Counts the pieces of the sources, all of which the guide must show.
fn shown(guide: &str, sources: &[&str]) -> usize {
    let pieces = sources.iter().flat_map(|source| source.split("// guide: ").skip(1));
    let pieces = pieces.filter_map(|piece| piece.split_once('\n')).filter(|(name, _)| *name != "end");
    pieces.inspect(|(name, piece)| assert!(guide.contains(piece.trim()), "the guide does not show: {name}")).count()
}
