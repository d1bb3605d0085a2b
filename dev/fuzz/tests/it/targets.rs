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
    form: 3000,
    basic: 3000,
    token: 2000,
    vocabulary: 3000,
    record: 2000,
    jws: 2000,
    dpop: 2000,
    assertion: 2000,
    jwk_set: 3000,
    certificate: 2000,
    distinguished_name: 2000,
    am_import: 200,
    endpoints: 300,
    endpoints_jose: 100,
}
