use fuzz::mutator::Mutator;
use fuzz::{TARGETS, corpus, target};

/// Replays the corpus, and runs mutations of it. Always the same ones, whatever the speed of the machine.
fn hold(name: &str, mutations: usize) {
    let target = target(name).unwrap();
    let corpus = corpus::load(target);
    assert!(!corpus.is_empty(), "{name} has no corpus");
    for input in &corpus {
        (target.run)(input);
    }
    let mut mutator = Mutator::new(1);
    for _ in 0..mutations {
        (target.run)(&mutator.mutation(&corpus, target.max_len));
    }
}

macro_rules! hold {
    ($($name:ident: $mutations:literal,)+) => {
        $(#[test]
        fn $name() {
            hold(stringify!($name), $mutations);
        })+

        #[test]
        fn every_target_is_tested() {
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),+]);
        }
    };
}

hold! {
    form: 20_000,
    basic: 10_000,
    token: 4000,
    vocabulary: 20_000,
    record: 5000,
    jws: 5000,
    dpop: 3000,
    assertion: 3000,
    authorization_details: 20_000,
    authorization_request: 2000,
    registration: 3000,
    jwk_set: 20_000,
    certificate: 5000,
    distinguished_name: 5000,
    am_import: 1000,
    endpoints: 1000,
    endpoints_jose: 300,
}
