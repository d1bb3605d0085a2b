use std::collections::BTreeSet;

use regrant_conformance::Trial;
use regrant_conformance::http::cases;

pub(crate) fn trials() -> [Trial; 1] {
    [crate::test("table::each_case_has_a_name_of_its_own_and_a_source", each_case_has_a_name_of_its_own_and_a_source)]
}

fn each_case_has_a_name_of_its_own_and_a_source() {
    let mut count = 0;
    for group in cases() {
        let names: BTreeSet<_> = group.cases.iter().map(|case| case.name().to_lowercase()).collect();
        assert_eq!(names.len(), group.cases.len(), "a name of {} is there twice", group.name);
        for case in &group.cases {
            let known = ["RFC ", "draft-ietf-", "CVE-", "OpenID Connect ", "Fetch standard "];
            let is_known = |part: &str| {
                part.contains('/') && part.contains('#') || known.iter().any(|prefix| part.starts_with(prefix))
            };
            assert!(case.source().split(", ").all(is_known), "{}: {}", case.name(), case.source());
        }
        count += names.len();
    }
    assert!(count >= 1200, "only {count}");
}
